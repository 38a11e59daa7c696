import { InvalidOptionError } from '../../model/errors.ts';
import type { Sink } from '../../model/sink.ts';
import type { ExportHandle } from '../answers/handle.ts';
import { SinkHandle } from '../answers/sinkHandle.ts';
import { toOneSink, type WayOut } from '../wayOut.ts';
import { type ExportHandleOptions, exportHandleSettings } from './options.ts';

/**
 * Makes one handle on a sink for many callers: their items travel in common batches, and each caller is answered for exactly its own items.
 *
 * ```text
 * calls       -a-b|
 * subscribed  ^---!
 *             exportHandle: a delay of 4 ms, and a sink that answers after 2 ms
 * attempts    -----^-!       [ab]
 * answers     -------(ab)
 * ```
 *
 * Behind it are a {@link channel}, an {@link adaptiveBatch} and an {@link exportTo}, and their options. The handle owns the sink.
 *
 * **Answers** exactly the items of the call, when the last of them has its end. A backend that takes only a part of a batch does not say which part. If several calls share that batch, each is
 * assigned a part in proportion, and `estimated` says so. All answers together are always what `stats()` says. An empty array is answered at once.
 *
 * **Order**: items of one call keep theirs; calls that wait for room are let in by turns, item by item.
 *
 * **Loss**: that of {@link exportTo}, and `queueFull`, `tooLarge`, `alreadyShutdown` for items that did not get into the queue: each is in an answer, and in `stats()`.
 *
 * **Exit**: whenever the event loop runs empty, what was given is still exported, for at most `exitDeadlineMillis`; what has no end then is lost, as `shutdown` or `unconfirmed`, or as `queueFull` if it
 * had found no room. The handle stays open: a program that finds more work in `beforeExit` goes on.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const handle = exportHandle(otlpHttp());
 * const { delivered, lost } = await handle.export(spans, { signal: AbortSignal.timeout(5_000) });
 * await handle.shutdown();
 * ```
 *
 * @see spanPipeline, whose `handle()` is one on the pipeline's own queue
 */
export function exportHandle<T>(sink: Sink<T>, options?: ExportHandleOptions<T>): ExportHandle<T>;
/** @deprecated The same as `pipeline.handle()`. */
export function exportHandle<T>(pipeline: HasHandle<T>): ExportHandle<T>;
export function exportHandle<T>(sink: Sink<T> | HasHandle<T>, options: ExportHandleOptions<T> = {}): ExportHandle<T> {
  if (isPipeline(sink)) {
    if (Object.keys(options).length > 0)
      throw new InvalidOptionError('exportHandle options', 'left out for a pipeline, which has its own', options);
    return sink.handle();
  }
  const settings = exportHandleSettings(sink, options);
  const out = (parts: WayOut<T>) => toOneSink(sink, settings.export, parts);
  return new SinkHandle({ sinks: [sink], operators: [], wayOut: out }, settings);
}

/** @inline */
interface HasHandle<T> {
  handle(): ExportHandle<T>;
}

function isPipeline<T>(sink: Sink<T> | HasHandle<T>): sink is HasHandle<T> {
  const { handle, export: exports } = (sink ?? {}) as Partial<HasHandle<T> & Sink<T>>;
  return typeof handle === 'function' && typeof exports !== 'function';
}
