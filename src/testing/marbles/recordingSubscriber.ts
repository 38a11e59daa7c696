import { Subscriber } from 'rxjs';

/** A notification of an Observable. */
export type StreamEvent =
  | { readonly kind: 'next'; readonly value: unknown }
  | { readonly kind: 'complete' }
  | { readonly kind: 'error'; readonly error: unknown };

/**
 * A subscriber that also receives what its source sends after its end. RxJS drops such notifications silently, although they show a mistake
 * in the operator that sends them.
 */
export class RecordingSubscriber extends Subscriber<unknown> {
  readonly #onEvent: (event: StreamEvent, isLate: boolean) => void;
  #end: StreamEvent | undefined;

  constructor(onEvent: (event: StreamEvent, isLate: boolean) => void) {
    super({ next() {}, error() {}, complete() {} });
    this.#onEvent = onEvent;
  }

  override next(value: unknown): void {
    this.#report({ kind: 'next', value });
  }

  override error(error: unknown): void {
    this.#report({ kind: 'error', error });
    super.error(error);
  }

  override complete(): void {
    this.#report({ kind: 'complete' });
    super.complete();
  }

  /** After `unsubscribe` nothing is reported. After the end, notifications are reported as late. */
  #report(event: StreamEvent): void {
    const end = this.#end;
    if (end === undefined ? this.closed : isRepeated(end, event)) return;
    if (event.kind !== 'next') this.#end ??= event;
    this.#onEvent(event, end !== undefined);
  }
}

/** A repeated end is harmless, and RxJS operators send one. An error after the completion is not: it is lost. */
function isRepeated(end: StreamEvent, event: StreamEvent): boolean {
  if (event.kind === 'complete') return true;
  return event.kind === 'error' && end.kind === 'error' && end.error === event.error;
}
