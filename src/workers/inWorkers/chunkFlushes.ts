import type { Observable, SchedulerLike, Subscription } from 'rxjs';
import { Releases } from '../../flow/releases.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import { isFlushRequest } from '../../model/batch.ts';
import type { WorkerSession } from '../workerPool/options.ts';

/** The flush requests at `inWorkers`: each waits for the chunks that came before it, and then for what the operators in the workers let out. */
export class ChunkFlushes {
  readonly #releases: Releases;
  readonly #session: Pick<WorkerSession<never, never>, 'flush'>;
  readonly #upstream: Subscription; // when it ends, nothing is asked for any more
  readonly #running = new Set<number>(); // chunks that have come and not ended, by number, in the order of their coming
  readonly #waiting: { readonly upTo: number; readonly request: unknown }[] = []; // for their chunks
  readonly #asked = new Set<number>(); // flushes that the workers have not answered, by number, in order
  #came = 0; // chunks
  #flushes = 0;

  constructor(scheduler: SchedulerLike, session: Pick<WorkerSession<never, never>, 'flush'>, upstream: Subscription) {
    this.#releases = new Releases(scheduler);
    this.#session = session;
    this.#upstream = upstream;
  }

  /** A chunk has come. Returns what is to be called when it has ended. */
  begin(): () => void {
    const chunk = this.#came++;
    this.#running.add(chunk);
    return () => {
      if (this.#running.delete(chunk)) this.#ask();
    };
  }

  /** Something is emitted. */
  emits(): void {
    this.#releases.emits();
  }

  add(request: unknown): void {
    if (!this.#releases.add(request, this.#flushes + 1)) return;
    this.#waiting.push({ upTo: this.#came, request });
    this.#flushes += 1;
    this.#ask();
  }

  /** Nothing more is let out. */
  end(): void {
    this.#waiting.length = 0;
    this.#releases.answer();
  }

  #ask(): void {
    if (this.#waiting.length === 0) return;
    const [oldest = Number.POSITIVE_INFINITY] = this.#running;
    while (this.#waiting[0] !== undefined && this.#waiting[0].upTo <= oldest) {
      const { request } = this.#waiting.shift() as { readonly request: unknown };
      this.#askWorkers(this.#flushes - this.#waiting.length - 1, request);
    }
  }

  #askWorkers(flush: number, request: unknown): void {
    const urgency = isFlushRequest(request) ? request.urgency : undefined;
    this.#asked.add(flush);
    const answered = () => {
      this.#asked.delete(flush);
      this.#answer();
    };
    const flushed: Observable<unknown> = this.#session.flush(urgency);
    subscribeInto(flushed, { error: answered, complete: answered }, this.#upstream);
  }

  /** Requests are answered in the order of their coming. */
  #answer(): void {
    const [unanswered = this.#flushes - this.#waiting.length] = this.#asked;
    this.#releases.answer(() => unanswered);
  }
}
