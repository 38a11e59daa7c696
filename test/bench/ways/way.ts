import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Acknowledged } from '../support/acknowledged.ts';

/** What a way is given. */
export interface Setting {
  readonly url: string;
  readonly spans: readonly ReadableSpan[];
  /** Spans that are on their way at once, where they are many. */
  readonly window: number;
  readonly callers: number;
  readonly acknowledged: Acknowledged;
  /** Whether more spans are wanted. */
  isOpen(): boolean;
}

/** Starts to export. Returns what resolves when everything has been answered, with how many spans that were. */
export type Way = (setting: Setting) => () => Promise<number>;
