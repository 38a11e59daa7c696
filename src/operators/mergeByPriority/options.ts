import type { Observable } from 'rxjs';
import type { Gate } from '../../flow/gate.ts';
import { estimateItemBytes } from '../../flow/itemBytes.ts';
import { QUEUE_RULES, type QueueOptions } from '../../flow/queueOptions.ts';
import {
  anObservable,
  anOverflow,
  must,
  numberFrom,
  optional,
  type Rule,
  type Rules,
  settingsOf,
} from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import type { Overflow } from '../../model/overflow.ts';
import type { Loss } from '../../model/tally.ts';

/** One of the inputs, where it is to have a queue of its own kind or can wait. */
export interface PriorityInput<T> {
  /** Where its items come from. It is subscribed to once for each subscription of the result. */
  source: Observable<T>;
  /** Closed while at least half of this input's queue is taken, and opened again at a quarter: for an input that can wait. Then nothing of it overflows. Default: none. */
  gate?: Gate;
  /** Items of this input that wait, at most: 1 or more. Default: that of the whole. */
  maxQueueSize?: number;
  /** What happens to an item of this input that meets its full queue: `dropNewest`, `dropOldest` or `error`, see {@link Overflow}. Default: that of the whole. */
  overflow?: Overflow;
}

/** The options of {@link mergeByPriority}. */
export interface MergeByPriorityOptions<T> extends QueueOptions<T> {
  /** What the stage is called in losses and statistics. Default `mergeByPriority`. */
  name?: string;
  /**
   * Items are handed on while it is open: the gate of the stage behind, of {@link adaptiveBatch} for example, which says when that stage can take more. Default: none. Without it each item is handed on as it comes, and priority counts only among those that come during an emission.
   */
  gate?: Gate;
  /**
   * The share that each input gets while it has items waiting, whatever the more important ones bring: 0 (the less important ones wait as long as it takes) to 1 / the number of inputs (all get the same). Default 0.1, or less with more than ten inputs.
   */
  floorRatio?: number;
  /** Items of one input that wait, at most: 1 or more, default 10,000. */
  maxQueueSize?: number;
  /** The maximum of the estimated bytes of one input's queued items: 1 or more, default 64 MiB, which no {@link memoryBudget} counts. An item that is larger by itself is not taken: it is counted as `tooLarge`. */
  maxQueueBytes?: number;
  /**
   * What happens to an item that meets the full queue of its input. `dropNewest` (the default) refuses it; `dropOldest` drops those of its input that have waited longest; `error` refuses it, unsubscribes all inputs, hands on what is queued, and then
   * errors with a {@link QueueFullError}.
   */
  overflow?: Overflow;
  /** Called for each loss (`queueFull`, `tooLarge`, `unsubscribed`), with the items. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /** Called when `onLoss`, `sizeOf` or a teardown throws, or when `sizeOf` gives an invalid number. Default: these are only counted, in the ledger. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what is lost, of all inputs together. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
}

type Optional = 'name' | 'gate' | 'onLoss' | 'onCallbackError' | 'ledger';

/** Every option with its value. */
export type MergeByPrioritySettings<T> = Required<Omit<MergeByPriorityOptions<T>, Optional>> & {
  [K in Optional]: MergeByPriorityOptions<T>[K] | undefined;
};

/** One input with the settings of its queue. */
export interface InputSettings<T> {
  readonly source: Observable<T>;
  readonly gate: Gate | undefined;
  readonly overflow: Overflow;
  readonly maxQueueSize: number;
  readonly maxQueueBytes: number;
}

export const MERGE_BY_PRIORITY_DEFAULTS: Readonly<MergeByPrioritySettings<unknown>> = Object.freeze({
  name: undefined,
  gate: undefined,
  floorRatio: 0.1,
  maxQueueSize: 10_000,
  maxQueueBytes: 64 * 1024 * 1024,
  overflow: 'dropNewest',
  sizeOf: estimateItemBytes,
  onLoss: undefined,
  onCallbackError: undefined,
  ledger: undefined,
});

export const STAGE = 'mergeByPriority';

const INPUT_RULES = {
  source: anObservable,
  gate: QUEUE_RULES.gate,
  maxQueueSize: optional(QUEUE_RULES.maxQueueSize),
  overflow: optional(anOverflow),
};

const severalInputs = must('an array of inputs, the most important one first', (value) => {
  return Array.isArray(value) && value.length > 0;
});

const theInputs: Rule = (value, option, call) => {
  severalInputs(value, option, call);
  if (!Array.isArray(value)) return;
  for (const [index, input] of value.entries()) {
    const name = `${option}[${index}]`;
    if (isSource(input)) continue;
    if (typeof input === 'object' && input !== null) call.checkRecord(name, INPUT_RULES, input);
    else call.add(name, 'an Observable, or an object with source', input);
  }
};

/** Lays the options over the defaults, and those of each input over them. */
export function mergeByPrioritySettings<T>(
  inputs: readonly (Observable<T> | PriorityInput<T>)[],
  options: MergeByPriorityOptions<T>,
): { readonly settings: MergeByPrioritySettings<T>; readonly inputs: readonly InputSettings<T>[] } {
  const most = 1 / Math.max(1, Array.isArray(inputs) ? inputs.length : 1);
  const defaults = { ...MERGE_BY_PRIORITY_DEFAULTS, floorRatio: Math.min(most, MERGE_BY_PRIORITY_DEFAULTS.floorRatio) };
  const rules: Rules<MergeByPrioritySettings<unknown>> = {
    ...QUEUE_RULES,
    ...STAGE_RULES,
    floorRatio: numberFrom(0, most),
    overflow: anOverflow,
  };
  const args = { inputs: [inputs, theInputs] } as const;
  const settings = settingsOf<MergeByPrioritySettings<T>>(STAGE, defaults, rules, options, args);
  return { settings, inputs: inputs.map((input) => inputSettings(input, settings)) };
}

function inputSettings<T>(
  input: Observable<T> | PriorityInput<T>,
  settings: MergeByPrioritySettings<T>,
): InputSettings<T> {
  const own: PriorityInput<T> = isSource<T>(input) ? { source: input } : input;
  const { source, gate, overflow = settings.overflow, maxQueueSize = settings.maxQueueSize } = own;
  return { source, gate, overflow, maxQueueSize, maxQueueBytes: settings.maxQueueBytes };
}

function isSource<T>(input: unknown): input is Observable<T> {
  return typeof (input as Partial<Observable<T>> | null | undefined)?.subscribe === 'function';
}
