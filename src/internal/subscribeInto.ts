import { type Observable, type Observer, Subscriber, type Subscription } from 'rxjs';

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
