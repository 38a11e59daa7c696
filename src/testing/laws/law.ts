import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { MarbleFailure } from '../failures/failure.ts';
import type { Ending } from './scenario.ts';

/** The limits of a pipeline. Default of each: no limit. */
export interface Bounds {
  /** The maximum number of pending items in the ledger. Without a ledger: of items that have neither reached the sink nor been reported as lost. */
  readonly pending?: number;
  /** The maximum number of attempts in flight. */
  readonly attempts?: number;
}

/** The laws, as {@link pipelineLaws} describes them: `conservation`, `bounds`, `silence`, `release`, `end`. */
export type Law = 'conservation' | 'bounds' | 'silence' | 'release' | 'end';

/** A pipeline has broken a law. */
export class LawViolation extends MarbleFailure {
  override readonly name = 'LawViolation';

  /** Which one. */
  readonly law: Law;

  constructor(law: Law, message: string) {
    super(`${law}: ${message}`);
    this.law = law;
  }
}

/** Whether a span may be dropped without a report of its loss. */
export type MayVanish = (span: ReadableSpan, ending: Ending['kind']) => boolean;
