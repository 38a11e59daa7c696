import { type MonoTypeOperatorFunction, Observable, type OperatorFunction, Subscription } from 'rxjs';
import type { Batch, ObservableSink, Response } from '../../src/index.ts';

/** The faults of an operator; `none` for the right one. */
export type Fault =
  | 'none'
  | 'drops the last batch'
  | 'ticks while idle'
  | 'leaks a timer'
  | 'emits after completion'
  | 'forgets to abort'
  | 'reorders'
  | 'duplicates'
  | 'forgets a hold';

/** How long an item waits for a second one. */
const DELAY_MILLIS = 4;

/** Batches two items, or those that come within four milliseconds of the first. */
export function pairs<T>(fault: Fault): OperatorFunction<T, readonly T[]> {
  return (source) =>
    new Observable((subscriber) => {
      let held: T[] = [];
      let timer: ReturnType<typeof setTimeout> | undefined;
      const flush = () => {
        clearTimeout(timer);
        timer = undefined;
        if (held.length === 0) return;
        const batch = held;
        held = fault === 'duplicates' ? batch.slice(1) : [];
        subscriber.next(fault === 'reorders' ? batch.reverse() : batch);
      };
      const take = (item: T) => {
        held.push(item);
        if (held.length >= 2) flush();
        else timer ??= setTimeout(flush, DELAY_MILLIS);
      };
      const complete = () => {
        if (fault === 'emits after completion') subscriber.complete();
        if (fault !== 'drops the last batch') flush();
        subscriber.complete();
      };
      const error = (thrown: unknown) => subscriber.error(thrown);
      if (fault !== 'leaks a timer') subscriber.add(() => clearTimeout(timer));
      if (fault === 'ticks while idle') subscriber.add(ticking(flush));
      subscriber.add(source.subscribe({ next: take, error, complete }));
    });
}

function ticking(flush: () => void): Subscription {
  const interval = setInterval(flush, DELAY_MILLIS);
  return new Subscription(() => clearInterval(interval));
}

/** Sends each batch at once, and emits it after it was delivered. */
export function send<T>(sink: ObservableSink<T>, fault: Fault): MonoTypeOperatorFunction<Batch<T>> {
  return (source) =>
    new Observable((subscriber) => {
      const deliver = (batch: Batch<T>) => {
        const hold = batch.hold();
        const settle = (delivered: number) =>
          hold.settle({ delivered, rejected: 0, lost: [], attempts: 1, attemptMillis: 1, elapsedMillis: 1 });
        const arrive = (_answer: Response) => {
          subscriber.next(batch);
          settle(batch.items.length);
        };
        const fail = () => {
          if (fault !== 'forgets a hold') settle(0);
        };
        const attempt = sink.export(batch).subscribe({ next: arrive, error: fail });
        if (fault !== 'forgets to abort') subscriber.add(attempt);
        if (fault !== 'forgets a hold') subscriber.add(() => settle(0));
      };
      const error = (thrown: unknown) => subscriber.error(thrown);
      subscriber.add(source.subscribe({ next: deliver, error, complete: () => subscriber.complete() }));
    });
}
