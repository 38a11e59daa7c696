import { type Attempt, type AttemptPhase, ExportError, type Response } from '../../model/sink.ts';
import { leavesDoubt } from '../../strategies/combinedFailure.ts';
import { failureOf } from '../../strategies/retry.ts';

/** How far one of the attempts is. */
interface Racer {
  phase: AttemptPhase | undefined; // it has reported none: then it is taken to send from the start
  where: string | undefined;
  isOver: boolean; // it has certainly not arrived
}

const ORDER: readonly AttemptPhase[] = [
  'preparing',
  'resolving',
  'connecting',
  'securing',
  'sending',
  'waiting',
  'reading',
];

/** The reports of several attempts at once, as those of one: it is as far as the one that has come furthest. */
export class RaceReports {
  readonly #attempt: Attempt | undefined; // that `exportTo` has given
  readonly #racers: readonly Racer[];

  constructor(racers: number, attempt: Attempt | undefined) {
    this.#attempt = attempt;
    this.#racers = Array.from({ length: racers }, () => ({ phase: undefined, where: undefined, isOver: false }));
  }

  /** What one of the sinks is given. */
  of(index: number): Attempt {
    const racer = this.#racers[index] as Racer;
    const { timeoutMillis } = this.#attempt ?? {};
    return {
      ...(timeoutMillis !== undefined && { timeoutMillis }),
      enter: (phase, where) => {
        racer.phase = phase;
        racer.where = where;
        this.#tell();
      },
      answered: (answer) => this.#answered(index, answer),
      // Not handed on: all of them together are one attempt, and another one may have been answered.
      repeat: () => {
        racer.isOver = false;
      },
    };
  }

  /** One of them has failed. What may have arrived there is not taken back. */
  failed(index: number, thrown: unknown): void {
    const racer = this.#racers[index] as Racer;
    if (leavesDoubt(failureOf(thrown))) racer.phase = 'waiting';
    else racer.isOver = true;
    this.#tell();
  }

  #answered(index: number, answer: Response | ExportError): void {
    if (answer instanceof ExportError) this.failed(index, answer);
    else this.#attempt?.answered(answer);
  }

  /** While one of them has not reported anything, neither has the whole. */
  #tell(): void {
    const running = this.#racers.filter(({ isOver }) => !isOver);
    if (running.length === 0 || running.some(({ phase }) => phase === undefined)) return;
    const rank = ({ phase }: Racer) => ORDER.indexOf(phase as AttemptPhase);
    const furthest = running.reduce((one, other) => (rank(other) > rank(one) ? other : one));
    this.#attempt?.enter(furthest.phase as AttemptPhase, furthest.where);
  }
}
