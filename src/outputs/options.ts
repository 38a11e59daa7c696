import { estimateItemBytes } from '../flow/itemBytes.ts';
import { type GatedQueueOptions, QUEUE_RULES } from '../flow/queueOptions.ts';
import { anObservable, anOverflow, type Rules, settingsOf } from '../internal/validation.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { STAGE_RULES } from '../ledger/stageReporter.ts';
import type { Overflow } from '../model/overflow.ts';
import type { Loss } from '../model/tally.ts';

/** For the outputs: `toAsyncIterable`, `toReadable`, `toReadableStream`. An Observable pushes and a reader pulls, so items that come before they are read wait in a queue. */
export interface StreamOutputOptions<T> extends GatedQueueOptions<T> {
  /** Items that wait to be read, at most: 1 or more, default 1,024. */
  maxQueueSize?: number;
  /**
   * What happens to an item that meets a full queue. `error` (the default, because a reader of a stream expects all of it) unsubscribes the source, lets what is queued be read and then fails with
   * a {@link QueueFullError}; `dropNewest` refuses it; `dropOldest` loses the one that has waited longest. For just the latest item, `dropOldest` with `maxQueueSize: 1`.
   */
  overflow?: Overflow;
  /** Called for each loss at this stage (`queueFull`, `tooLarge`, `unsubscribed`, `unencodable`), with the items. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /** Called when `onLoss` or `sizeOf` throws or returns an invalid number, or when unsubscribing the source throws. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what becomes of it. Default: one of its own, which is not shown anywhere. */
  ledger?: Ledger;
}

type Optional = 'gate' | 'onLoss' | 'onCallbackError' | 'ledger';

/** Every option with its value. */
export type StreamOutputSettings<T> = Required<Omit<StreamOutputOptions<T>, Optional>> & {
  [K in Optional]: StreamOutputOptions<T>[K] | undefined;
};

export const STREAM_OUTPUT_DEFAULTS: Readonly<StreamOutputSettings<unknown>> = Object.freeze({
  maxQueueSize: 1_024,
  maxQueueBytes: 64 * 1024 * 1024,
  overflow: 'error',
  gate: undefined,
  sizeOf: estimateItemBytes,
  onLoss: undefined,
  onCallbackError: undefined,
  ledger: undefined,
});

const STREAM_OUTPUT_RULES: Rules<StreamOutputSettings<unknown>> = {
  ...QUEUE_RULES,
  ...STAGE_RULES,
  overflow: anOverflow,
};

export function streamOutputSettings<T>(
  stage: string,
  source: unknown,
  options: StreamOutputOptions<T>,
): StreamOutputSettings<T> {
  return settingsOf<StreamOutputSettings<T>>(stage, STREAM_OUTPUT_DEFAULTS, STREAM_OUTPUT_RULES, options, {
    source: [source, anObservable],
  });
}
