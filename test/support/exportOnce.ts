import { firstValueFrom } from 'rxjs';
import { type Batch, NO_HOLD } from '../../src/model/batch.ts';
import type { ObservableSink, Response } from '../../src/model/sink.ts';

export function batchOf<T>(items: readonly T[]): Batch<T> {
  return { items, bytes: 0, closedBy: 'count', hold: () => NO_HOLD };
}

/** One attempt and no more. */
export function exportOnce<T>(sink: ObservableSink<T>, items: readonly T[]): Promise<Response> {
  return firstValueFrom(sink.export(batchOf(items)));
}
