import { type Observable, type SchedulerLike, Subject } from 'rxjs';
import { keepingAlive, outsideAnyContext } from '../../internal/timers.ts';
import type { FlushRequest, FlushUrgency } from '../../model/batch.ts';
import { SpanflowError } from '../../model/errors.ts';

/** Sends flush requests out, and knows when each of them is done. */
export class Flushes {
  readonly #requests = new Subject<FlushRequest>();
  readonly requests$: Observable<FlushRequest> = this.#requests.asObservable();

  /** Sends a request; `onDone` is called when each who holds it has settled: at once if nobody does. */
  send(onDone: () => void, urgency: FlushUrgency): void {
    let holds = 1; // ours, for the time of the sending
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

/** How long somebody waits for what. */
interface Patience {
  readonly what: string;
  readonly timeoutMillis: number;
  readonly scheduler: SchedulerLike;
}

/** Where a callback becomes a promise: it resolves when the work is done, and rejects when that takes too long; the work goes on. */
export function doneWithin(patience: Patience, work: (onDone: () => void) => void): Promise<void> {
  const { what, timeoutMillis, scheduler } = patience;
  return new Promise((resolve, reject) => {
    const timer = keepingAlive(scheduler, timeoutMillis, () => {
      const pending = `${what} did not finish within ${timeoutMillis} ms; what is still pending goes on`;
      reject(new SpanflowError('FLUSH_TIMEOUT', pending));
    });
    const onDone = () => {
      timer.unsubscribe();
      resolve();
    };
    // Whoever asks may be in the middle of a request of their own: what is drained here is not part of it.
    outsideAnyContext(() => work(onDone));
  });
}
