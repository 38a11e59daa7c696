import { afterRealMillis } from '../time/realTime.ts';

/** Who waits until something holds of the backend. */
export class Watchers {
  readonly #looks = new Set<() => void>();

  /** Resolves as soon as `condition` holds. It is asked at once, and at each {@link look}. */
  until(condition: () => boolean, timeoutMillis: number, seen: () => string): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        this.#looks.delete(look);
        cancel();
        settle();
      };
      const look = () => {
        try {
          if (condition()) finish(resolve);
        } catch (error) {
          finish(() => reject(error));
        }
      };
      const cancel = afterRealMillis(timeoutMillis, () => {
        finish(() => reject(new Error(`the backend waited ${timeoutMillis} ms, and had ${seen()}`)));
      });
      this.#looks.add(look);
      look();
    });
  }

  /** Something has changed. */
  look(): void {
    for (const look of [...this.#looks]) look();
  }
}
