import type { SchedulerLike } from 'rxjs';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { aScheduler, millis, oneOf, optional, type Rules, settingsOf, whole } from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import type { SignalName } from '../../model/signal.ts';
import type { Loss, LossReason } from '../../model/tally.ts';

/** The options of an input that a signal's SDK pushes into. */
export interface RingInputOptions {
  /** What the stage is called in losses and statistics. Default: the name of the function. */
  name?: string;
  /**
   * Items that wait to be drained into the stream, at most: 1 or more. Default: one for each 20 KiB of V8's heap limit, at most 32,768 (11,468 with `--max-old-space-size=128`, 32,768 from 640 MiB on). A ring full of items of 5
   * KB takes a quarter of the heap. The ring is emptied once per turn of the event loop, so this bounds
   * what can come within one turn, and what comes before the first subscription. Bytes are not bounded here: measuring an item would be work inside of the program's own call, so the batcher measures it, a turn later.
   */
  maxQueueSize?: number;
  /** What happens to an item that meets a full ring: `dropNewest` (the default) refuses it, `dropOldest` loses the one that has waited longest. */
  overflow?: 'dropNewest' | 'dropOldest';
  /** How long `forceFlush` and `shutdown` wait for the outcomes, in milliseconds: 1 or more, default 30,000. Then they reject. */
  flushTimeoutMillis?: number;
  /** Called for the losses at this stage (`queueFull`, `alreadyShutdown`, `noSubscriber`), once per turn, and never from within the SDK's call. */
  onLoss?: (loss: Loss) => void;
  /** Called when `onLoss` or a subscriber of the stream throws. Never called from within the SDK's call. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what becomes of it. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

/** Every option with its value. */
export type RingInputSettings = Required<Omit<RingInputOptions, Optional>> & {
  [K in Optional]: RingInputOptions[K] | undefined;
};

type Optional = 'maxQueueSize' | 'name' | 'onLoss' | 'onCallbackError' | 'ledger';

/** What differs between the signals. */
export interface RingKind<T> {
  /** What its items are. */
  readonly signal: SignalName;
  /** The function that the user has called: it names the stage, and mistakes in its options. */
  readonly owner: string;
  /** Begins the warning that nobody has subscribed: `spans have ended`. */
  readonly event: string;
  /** The name of the stream: `spans$`. */
  readonly stream: string;
  /** Why an item is left out, and not even offered. Default: none is. It runs inside of the program's own call. */
  readonly leftOut?: (item: T) => LossReason | undefined;
}

export const RING_INPUT_DEFAULTS: Readonly<RingInputSettings> = Object.freeze({
  maxQueueSize: undefined,
  overflow: 'dropNewest',
  flushTimeoutMillis: 30_000,
  name: undefined,
  onLoss: undefined,
  onCallbackError: undefined,
  ledger: undefined,
  scheduler: monotonicScheduler,
});

const RING_INPUT_RULES: Rules<RingInputSettings> = {
  ...STAGE_RULES,
  maxQueueSize: optional(whole(1)),
  overflow: oneOf('dropNewest', 'dropOldest'),
  flushTimeoutMillis: millis(1),
  scheduler: aScheduler,
};

/** Checks the options by the name of the function that the user has called. */
export function ringInputSettings(owner: string, options: RingInputOptions): RingInputSettings {
  return settingsOf<RingInputSettings>(owner, RING_INPUT_DEFAULTS, RING_INPUT_RULES, options);
}
