import { type Observable, type Observer, Subscriber, type Subscription, type TeardownLogic } from 'rxjs';

/**
 * Subscribes so that `parent` can end it **during** the subscribing already: a source that emits synchronously, without end, sees that it
 * is closed. (`parent.add(source.subscribe(…))` would learn of the subscription only when the source has finished emitting.)
 */
export function subscribeInto<T>(source: Observable<T>, observer: Partial<Observer<T>>, parent: Subscription): void {
  const listener = new Subscriber<T>({ next() {}, error() {}, complete() {}, ...observer });
  parent.add(listener);
  if (!listener.closed) source.subscribe(listener);
}

/** An observer that passes everything on, and nothing else: unlike the subscriber itself, it can be ended apart from it. */
export function forwardTo<T>(subscriber: Subscriber<T>): Observer<T> {
  return {
    next: (value) => subscriber.next(value),
    error: (thrown) => subscriber.error(thrown),
    complete: () => subscriber.complete(),
  };
}

/**
 * Adds teardowns that run in this order. Each is added by itself, so that one that throws does not keep the others from running: the teardown of a source, for example, which is not ours.
 *
 * An operator that starts work from a queue gives: no new work, the source, what runs, the rest. In another order an abort would start the next in line.
 */
export function tearDownInOrder(subscriber: Subscription, ...teardowns: readonly TeardownLogic[]): void {
  for (const teardown of teardowns) subscriber.add(teardown);
}
