import { Subscriber } from 'rxjs';

/** What a {@link RecordingSubscriber} heard. */
export type StreamEvent =
  | { readonly kind: 'next'; readonly value: unknown }
  | { readonly kind: 'complete' }
  | { readonly kind: 'error'; readonly error: unknown };

/**
 * Hears what a usual subscriber does not: what its source still sends after it has ended. RxJS swallows that, and whoever sent it has
 * forgotten something.
 */
export class RecordingSubscriber extends Subscriber<unknown> {
  readonly #hear: (heard: StreamEvent, isLate: boolean) => void;
  #end: StreamEvent | undefined;

  constructor(hear: (heard: StreamEvent, isLate: boolean) => void) {
    super({ next() {}, error() {}, complete() {} });
    this.#hear = hear;
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

  /** Whoever has unsubscribed hears no more. Whoever was told the end does, and says so. */
  #report(heard: StreamEvent): void {
    const end = this.#end;
    if (end === undefined ? this.closed : isRepeated(end, heard)) return;
    if (heard.kind !== 'next') this.#end ??= heard;
    this.#hear(heard, end !== undefined);
  }
}

/** Ending twice harms nobody, and operators of RxJS do it. An error after the completion is one that nobody gets to see. */
function isRepeated(end: StreamEvent, heard: StreamEvent): boolean {
  if (heard.kind === 'complete') return true;
  return heard.kind === 'error' && end.kind === 'error' && end.error === heard.error;
}
