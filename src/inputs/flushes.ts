import { type Observable, Subject } from 'rxjs';
import type { FlushRequest } from '../batch.ts';

/** Sends flush requests out, and knows when each of them is done. */
export class Flushes {
  readonly #requests = new Subject<FlushRequest>();
  readonly requests$: Observable<FlushRequest> = this.#requests.asObservable();

  /** Sends a request; `onDone` is called when each who holds it has settled: at once if nobody does. */
  send(onDone: () => void): void {
    let holds = 1; // ours, for the time of the sending
    const settleOne = () => {
      holds -= 1;
      if (holds === 0) onDone();
    };
    this.#requests.next({
      hold: () => {
        holds += 1;
        let settled = false;
        return {
          settle: () => {
            if (settled) return;
            settled = true;
            settleOne();
          },
        };
      },
    });
    settleOne();
  }

  complete(): void {
    this.#requests.complete();
  }
}
