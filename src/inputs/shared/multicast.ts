import { Observable, type Subscriber } from 'rxjs';

/**
 * Hands each value to all subscribers, as an RxJS `Subject` does, but without the closure and the iterator that it makes for
 * each value.
 */
export class Multicast<T> {
  /** Replaced and never changed: a subscriber that comes or leaves while a value is on its way does not disturb the others. */
  #subscribers: readonly Subscriber<T>[] = [];
  /** How it ended, once it has. */
  #end: ((subscriber: Subscriber<T>) => void) | undefined;

  readonly values$ = new Observable<T>((subscriber) => {
    if (this.#end !== undefined) return this.#end(subscriber);
    this.#subscribers = [...this.#subscribers, subscriber];
    subscriber.add(() => {
      this.#subscribers = this.#subscribers.filter((other) => other !== subscriber);
    });
  });

  get observed(): boolean {
    return this.#subscribers.length > 0;
  }

  next(value: T): void {
    const subscribers = this.#subscribers;
    for (let index = 0; index < subscribers.length; index++) subscribers[index]?.next(value);
  }

  complete(): void {
    this.#endWith((subscriber) => subscriber.complete());
  }

  error(error: unknown): void {
    this.#endWith((subscriber) => subscriber.error(error));
  }

  #endWith(end: (subscriber: Subscriber<T>) => void): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const subscribers = this.#subscribers;
    this.#subscribers = [];
    for (const subscriber of subscribers) end(subscriber);
  }
}
