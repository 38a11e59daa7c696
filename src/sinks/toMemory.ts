import { defer, of, throwError } from 'rxjs';
import { settingsOf, whole } from '../internal/validation.ts';
import { ExportError, type ObservableSink } from '../model/sink.ts';

/** The options of {@link toMemory}. */
export interface ToMemoryOptions {
  /** Items that are kept, at most: 1 or more, default 100,000. A batch that would exceed it is refused for good. */
  maxItems?: number;
}

export const TO_MEMORY_DEFAULTS: Readonly<Required<ToMemoryOptions>> = Object.freeze({ maxItems: 100_000 });

/** A sink that keeps what it is given. */
export interface MemorySink<T> extends ObservableSink<T> {
  /** Everything since the last `clear()`, in the order of arrival. */
  readonly items: readonly T[];
  /** Forgets everything that was kept. */
  clear(): void;
}

/**
 * Keeps items in memory: for tests, and for a look at what a pipeline does. It answers at once.
 *
 * **Loss**: a batch for which there is no room is refused as `permanent`.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const memory = toMemory<ReadableSpan>();
 * const pipeline = spanPipeline({ sink: memory });
 * await pipeline.forceFlush();
 * memory.items.length;
 * ```
 */
export function toMemory<T>(options: ToMemoryOptions = {}): MemorySink<T> {
  const { maxItems } = settingsOf('toMemory', TO_MEMORY_DEFAULTS, { maxItems: whole(1) }, options);
  const items: T[] = [];
  return {
    name: 'toMemory',
    items,
    clear: () => {
      items.length = 0;
    },
    export: (batch) =>
      defer(() => {
        if (items.length + batch.items.length > maxItems) {
          return throwError(
            () => new ExportError({ kind: 'permanent' }, `toMemory holds maxItems ${maxItems} already`),
          );
        }
        for (const item of batch.items) items.push(item);
        return of({});
      }),
  };
}
