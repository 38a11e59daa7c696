import { type Observable, Subject } from 'rxjs';
import { outsideAnyContext } from '../../internal/timers.ts';
import type { FlushRequest, FlushUrgency } from '../../model/batch.ts';

/** Sends flush requests, and calls back when each of them is done. */
export class FlushRequests {
  readonly #requests = new Subject<FlushRequest>();
  readonly requests$: Observable<FlushRequest> = this.#requests.asObservable();

  /** Sends a request. `onDone` is called when every hold on it is settled: at once if there is none. */
  send(onDone: () => void, urgency: FlushUrgency): void {
    let holds = 1; // our own, while the request is being sent
    const settleOne = () => {
      holds -= 1;
      if (holds === 0) onDone();
    };
    this.#requests.next({
      urgency,
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

/** Resolves when the work calls `onDone`. The caller may be within a request of its own: what is drained here is not part of that. */
export function outsideCaller(work: (onDone: () => void) => void): Promise<void> {
  return new Promise((resolve) => outsideAnyContext(() => work(resolve)));
}
