import { type Observable, Subject } from 'rxjs';
import { outsideAnyContext } from '../../internal/timers.ts';
import type { FlushRequest, FlushUrgency } from '../../model/batch.ts';
import { Flush } from './flush.ts';

/** Sends flush requests, and calls back when each of them is done. */
export class FlushRequests {
  readonly #requests = new Subject<FlushRequest>();
  readonly requests$: Observable<FlushRequest> = this.#requests.asObservable();

  /** Sends a request, and others behind stages that let out what they gather. `onDone` is called when every hold on them is settled: at once if there is none. */
  send(onDone: () => void, urgency: FlushUrgency): void {
    new Flush((request) => this.#requests.next(request), onDone, urgency).begin();
  }

  complete(): void {
    this.#requests.complete();
  }
}

/** Resolves when the work calls `onDone`. The caller may be within a request of its own: what is drained here is not part of that. */
export function outsideCaller(work: (onDone: () => void) => void): Promise<void> {
  return new Promise((resolve) => outsideAnyContext(() => work(resolve)));
}
