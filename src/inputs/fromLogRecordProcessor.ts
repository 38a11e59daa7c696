import type { Observable } from 'rxjs';
import type { FlushRequest } from '../model/batch.ts';
import type { ReadableLogRecord } from '../model/logRecord.ts';
import type { RingInputOptions, RingKind } from './ringInput/options.ts';
import { RingInput } from './ringInput/ringInput.ts';

/** An item is a log record, the SDK's call is `onEmit`, and the stream is `records$`. */
export interface FromLogRecordProcessorOptions extends RingInputOptions {}

/**
 * What the SDK of logs calls: it fits its `LogRecordProcessor`.
 *
 * Why is it written down here? So that a program that only traces needs no `sdk-logs` for the types of what it does not use.
 */
export interface LogRecordProcessor {
  /** Called by the SDK with each record, within the program's own `logger.emit()`. It never throws. */
  onEmit(record: ReadableLogRecord): void;
  /** Resolves when everything that was emitted before has an outcome, delivered or lost. */
  forceFlush(): Promise<void>;
  /** The same, and takes nothing more. */
  shutdown(): Promise<void>;
}

/** A `LogRecordProcessor` for OpenTelemetry's SDK, and the stream of the records that it was given. */
export interface LogRecordInput extends LogRecordProcessor {
  /** In the order in which they were emitted. It completes at `shutdown`. */
  readonly records$: Observable<ReadableLogRecord>;
  /** A request for each `forceFlush` and for the `shutdown`: for `adaptiveBatch({ flushWhen })`. */
  readonly flush$: Observable<FlushRequest>;
  /**
   * Resolves when everything that was emitted before has an outcome, delivered or lost. Rejects at the timeout with `FLUSH_TIMEOUT`; the exports go on.
   *
   * @param options `timeoutMillis` instead of `flushTimeoutMillis`, for this call
   */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
  /** The same, and ends the stream: a record that is emitted later is refused as `alreadyShutdown`. The second call gives the promise of the first. */
  shutdown(options?: { timeoutMillis?: number }): Promise<void>;
}

/** Records of spans that are not sampled are exported as well: leaving them out is a setting of the logger (`traceBased`). */
export const EMITTED_RECORDS: RingKind<ReadableLogRecord> = {
  signal: 'logs',
  owner: 'fromLogRecordProcessor',
  event: 'log records were emitted',
  stream: 'records$',
};

/**
 * Lets log records in: a real `LogRecordProcessor` (of `@opentelemetry/sdk-logs`) on one side, an Observable on the other.
 *
 * ```text
 * onEmit      -a-b----c-d-|
 * subscriber  ----(s|)
 * subscribed  ^-----------!
 *             fromLogRecordProcessor: subscribed at s
 * records$    ----(ab)c-d-|
 * ```
 *
 * `onEmit` pushes the record into a bounded ring and does nothing more: no operator, no encoding, no export runs inside `logger.emit()`. One immediate drains the ring into the stream, outside the asynchronous context of the
 * code that has logged.
 *
 * **The record itself** is kept, not a copy, as the official batch processor does. So what processors further down the SDK's list change in it is exported, too: they all run before the ring is drained, and after them the SDK lets nobody change the record any more. It has no `enabled`, as the official one has
 * none: it takes what the logger lets through.
 *
 * **Emits** nothing before the first subscription; the records wait in the ring. **Completes** at `shutdown`. It never **errors**. Without subscribers it keeps records in the ring again.
 *
 * `forceFlush` resolves when everything that was emitted before it has an outcome, delivered or lost, and rejects at its timeout. `shutdown` does the same, and ends the stream.
 *
 * **Order**: that of `onEmit`. **Loss**: `queueFull`, `alreadyShutdown`, and `noSubscriber` for what still waits at the shutdown.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const input = fromLogRecordProcessor();
 * const provider = new LoggerProvider({ processors: [input] });
 * input.records$.pipe(adaptiveBatch({ flushWhen: input.flush$ }), exportTo(otlpHttp({ signal: 'logs' }))).subscribe();
 * ```
 *
 * @see logPipeline
 */
export function fromLogRecordProcessor(options: FromLogRecordProcessorOptions = {}): LogRecordInput {
  const ring = new RingInput(EMITTED_RECORDS, options);
  const input: LogRecordInput = {
    records$: ring.items$,
    flush$: ring.flush$,
    onEmit: (record) => void ring.offer(record),
    forceFlush: (given) => ring.forceFlush(given),
    shutdown: (given) => ring.shutdown(given),
  };
  ring.registerAs(input);
  return input;
}
