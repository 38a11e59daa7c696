import { Subscriber } from 'rxjs';

/** What a {@link Listener} heard. */
export type Heard =
  | { readonly kind: 'next'; readonly value: unknown }
  | { readonly kind: 'complete' }
  | { readonly kind: 'error'; readonly error: unknown };

/**
 * Hears what a usual subscriber does not: what its source still sends after it has ended. RxJS swallows that, and whoever sent it has
 * forgotten something.
 */
export class Listener extends Subscriber<unknown> {
  readonly #hear: (heard: Heard, isLate: boolean) => void;
  #end: Heard | undefined;

  constructor(hear: (heard: Heard, isLate: boolean) => void) {
    super({ next() {}, error() {}, complete() {} });
    this.#hear = hear;
  }

  override next(value: unknown): void {
    this.#tell({ kind: 'next', value });
  }

  override error(error: unknown): void {
    this.#tell({ kind: 'error', error });
    super.error(error);
  }

  override complete(): void {
    this.#tell({ kind: 'complete' });
    super.complete();
  }

  /** Whoever has unsubscribed hears no more. Whoever was told the end does, and says so. */
  #tell(heard: Heard): void {
    const end = this.#end;
    if (end === undefined ? this.closed : isRepeated(end, heard)) return;
    if (heard.kind !== 'next') this.#end ??= heard;
    this.#hear(heard, end !== undefined);
  }
}

/** Ending twice harms nobody, and operators of RxJS do it. An error after the completion is one that nobody gets to see. */
function isRepeated(end: Heard, heard: Heard): boolean {
  if (heard.kind === 'complete') return true;
  return heard.kind === 'error' && end.kind === 'error' && end.error === heard.error;
}
