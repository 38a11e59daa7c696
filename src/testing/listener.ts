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
  #hasEnded = false;

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
    // A second completion harms nobody, and operators of RxJS send it.
    if (!this.#hasEnded) this.#tell({ kind: 'complete' });
    super.complete();
  }

  /** Whoever has unsubscribed hears no more. Whoever was told the end does, and says so. */
  #tell(heard: Heard): void {
    const isLate = this.#hasEnded;
    if (this.closed && !isLate) return;
    this.#hasEnded ||= heard.kind !== 'next';
    this.#hear(heard, isLate);
  }
}
