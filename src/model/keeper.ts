import type { LossReason } from './tally.ts';

/** How many items were kept, and how many could not be because OTLP cannot express them. The rest is not kept. */
export interface Kept {
  readonly kept: number;
  readonly unencodable: number;
}

/** Keeps what would be lost at the end of the program, beyond that end. */
export interface Keeper {
  /**
   * @param items of a batch
   * @param from the first of them that would be lost; those before it have an outcome
   * @param reason why they would be lost
   * @param route the way that they were on, behind a fan-out
   * @returns `undefined` where this is nothing to keep them for
   */
  keep(items: readonly unknown[], from: number, reason: LossReason, route: string | undefined): Kept | undefined;
}
