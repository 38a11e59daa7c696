import { afterRealMillis } from '../time/realTime.ts';

/** The promises that wait for a condition on a backend. */
export class Watchers {
  readonly #looks = new Set<() => void>();

  /** Resolves as soon as `condition` returns true. It is called at once, and at each {@link look}. `seen` describes the state for the timeout error. */
  until(condition: () => boolean, timeoutMillis: number, seen: () => string): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (complete: () => void) => {
        this.#looks.delete(look);
        cancel();
        complete();
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

  /** Checks all conditions, because something has changed. */
  look(): void {
    for (const look of [...this.#looks]) look();
  }
}
