import { Observable, type SchedulerLike } from 'rxjs';
import { ACCEPTED, CANCELLED, resultOfError } from '../../destination/attemptEnding.ts';
import { destinationOf } from '../../destination/destination.ts';
import { exported, withoutAnswer } from '../../destination/exported.ts';
import type { AttemptResult } from '../../destination/layer.ts';
import type { ThrottleGate } from '../../destination/throttleGate.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import type { Batch } from '../../model/batch.ts';
import { type Attempt, ExportError, type Response, type Sink } from '../../model/sink.ts';

interface RacerSettings {
  readonly maxRetryAfterMillis: number;
  readonly scheduler: SchedulerLike;
}

/** One of the sinks, behind the throttle gate that it shares with everything else that exports to it. */
export class Racer<T> {
  readonly #sink: Sink<T>;
  readonly #gate: ThrottleGate;
  readonly #settings: RacerSettings;

  constructor(sink: Sink<T>, settings: RacerSettings) {
    this.#sink = sink;
    this.#gate = destinationOf(sink, settings.scheduler).gate;
    this.#settings = settings;
  }

  /** One attempt. Where the gate holds it back, it fails at once, and the others go on without it. */
  attempt(batch: Batch<T>, report: Attempt): Observable<Response> {
    return new Observable((subscriber) => {
      if (!this.#gate.admits()) return subscriber.error(this.#heldBack());
      const end = this.#begin();
      subscriber.add(() => end(CANCELLED));
      // The gate is told first: with what comes of the end, another attempt may begin.
      const error = (thrown: unknown) => {
        end(resultOfError(thrown, this.#settings.maxRetryAfterMillis));
        subscriber.error(thrown);
      };
      const next = (response: Response) => {
        end(ACCEPTED);
        subscriber.next(response);
        subscriber.complete();
      };
      const complete = () => error(withoutAnswer(this.#sink));
      subscribeInto(exported(this.#sink, batch, report), { next, error, complete }, subscriber);
    });
  }

  /** Returns what ends it; the first call counts. */
  #begin(): (result: AttemptResult) => void {
    const { scheduler } = this.#settings;
    const startedAtMillis = scheduler.now();
    const endAttempt = this.#gate.begin();
    let isOver = false;
    return (result) => {
      if (isOver) return;
      isOver = true;
      endAttempt({ ...result, startedAtMillis, endedAtMillis: scheduler.now() });
    };
  }

  #heldBack(): ExportError {
    const retryAfterMillis = this.#gate.closedForMillis;
    const message = `${this.#sink.name} was not asked, because its backend has said when to come back`;
    return new ExportError(
      retryAfterMillis > 0 ? { kind: 'throttled', retryAfterMillis } : { kind: 'retryable' },
      message,
    );
  }
}
