import { Observable, type Subscriber } from 'rxjs';
import type { Batch } from '../../model/batch.ts';
import { InvalidOptionError } from '../../model/errors.ts';
import { ExportError, type Failure, type Response } from '../../model/sink.ts';
import { MarbleFailure } from '../failures/failure.ts';
import type { VirtualClock } from '../time/clock.ts';
import {
  type Attempt,
  SCRIPT_FAILURES,
  SCRIPT_RESPONSES,
  type ScriptedSink,
  type ScriptedSinkOptions,
} from './scriptedSinkApi.ts';
import { type Mark, parseMarbles } from './syntax.ts';

interface OpenAttempt<T> extends Attempt<T> {
  unsubscribedFrame: number;
  end: Attempt<T>['end'];
  response: Response | undefined;
}

type Answer = (subscriber: Subscriber<Response>) => void;

/** Answers the first attempt as drawn in its first marbles, the second as in its second, and so on. */
export class ScriptedMarbleSink<T> implements ScriptedSink<T> {
  readonly name: string;
  declare readonly maxConcurrency?: number;
  declare readonly attemptTimeoutMillis?: number;
  readonly attempts: OpenAttempt<T>[] = [];
  readonly exported: Batch<T>[] = [];
  readonly flushes: number[] = [];
  readonly shutdowns: number[] = [];
  readonly #clock: VirtualClock;
  readonly #script: readonly { marbles: string; marks: readonly Mark[] }[];
  readonly #options: ScriptedSinkOptions;
  readonly #answers: ReadonlyMap<string, Answer>;
  #refusals = 0; // attempts beyond the last marbles, with `afterLast: 'refuse'`

  constructor(clock: VirtualClock, script: readonly string[], options: ScriptedSinkOptions) {
    if (script.length === 0) throw new InvalidOptionError('sink.script', 'at least one string of marbles', script);
    this.#clock = clock;
    this.#options = options;
    this.name = options.name ?? 'scripted';
    if (options.maxConcurrency !== undefined) this.maxConcurrency = options.maxConcurrency;
    if (options.attemptTimeoutMillis !== undefined) this.attemptTimeoutMillis = options.attemptTimeoutMillis;
    this.#answers = answersByLetter(options);
    this.#script = script.map((marbles) => ({ marbles, marks: this.#read(marbles) }));
  }

  export(batch: Batch<T>): Observable<Response> {
    this.exported.push(batch);
    return new Observable((subscriber) => this.#attempt(batch, subscriber));
  }

  forceFlush(): Promise<void> {
    this.flushes.push(this.#clock.now());
    return this.#promiseOf(this.#options.forceFlush);
  }

  shutdown(): Promise<void> {
    this.shutdowns.push(this.#clock.now());
    return this.#promiseOf(this.#options.shutdown);
  }

  /** The failure if there were attempts beyond the last marbles, and these were refused. */
  check(): MarbleFailure | undefined {
    if (this.#refusals === 0) return undefined;
    return new MarbleFailure(
      `the sink ${this.name} was asked for ${this.#refusals} attempts more than its script has marbles`,
    );
  }

  #read(marbles: string): readonly Mark[] {
    const { marks, frames } = parseMarbles(marbles, 'cold');
    this.#clock.noteDrawnFrame(this.#clock.now() + frames);
    for (const mark of marks) {
      const letter = mark.kind === 'next' ? mark.letter : mark.kind === 'error' ? '#' : '';
      if (mark.kind === 'complete' || this.#answers.has(letter)) continue;
      throw new MarbleFailure(
        `sink('${marbles}'): ${letter || 'a batch'} is no answer; they are ${[...this.#answers.keys()].join(' ')} and |`,
      );
    }
    return marks;
  }

  #attempt(batch: Batch<T>, subscriber: Subscriber<Response>): void {
    const clock = this.#clock;
    const turn = this.#script[this.attempts.length] ?? this.#afterLast();
    const attempt: OpenAttempt<T> = {
      batch,
      marbles: turn.marbles,
      subscribedFrame: clock.now(),
      unsubscribedFrame: Number.POSITIVE_INFINITY,
      end: 'open',
      response: undefined,
    };
    this.attempts.push(attempt);
    const events = turn.marks.map((mark) =>
      clock.schedule(clock.now() + mark.frame, () => this.#answer(mark, attempt, subscriber)),
    );
    subscriber.add(() => {
      for (const event of events) clock.cancel(event);
      attempt.unsubscribedFrame = clock.now();
      if (attempt.end === 'open') attempt.end = 'aborted';
    });
  }

  #afterLast(): { marbles: string; marks: readonly Mark[] } {
    if (this.#options.afterLast !== 'refuse') return this.#script.at(-1) as { marbles: string; marks: readonly Mark[] };
    this.#refusals += 1;
    return { marbles: '#', marks: [{ kind: 'next', frame: 0, letter: 'p' }] };
  }

  #answer(mark: Mark, attempt: OpenAttempt<T>, subscriber: Subscriber<Response>): void {
    if (mark.kind === 'complete') {
      if (attempt.end === 'open') attempt.end = 'answered';
      subscriber.complete();
      return;
    }
    const letter = mark.kind === 'next' ? mark.letter : '#';
    attempt.response = this.#responses()[letter];
    attempt.end = attempt.response === undefined ? 'failed' : 'answered';
    this.#answers.get(letter)?.(subscriber);
  }

  #responses(): Readonly<Record<string, Response>> {
    return { ...SCRIPT_RESPONSES, ...this.#options.responses };
  }

  #promiseOf(marbles: string | undefined): Promise<void> {
    if (marbles === undefined) return Promise.resolve();
    const end = parseMarbles(marbles, 'cold').marks.find((mark) => mark.kind === 'complete' || mark.kind === 'error');
    if (end === undefined) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      const finish = end.kind === 'complete' ? resolve : () => reject(new Error(`${this.name} failed, as scripted`));
      this.#clock.schedule(this.#clock.now() + end.frame, finish);
    });
  }
}

function answersByLetter({ responses, failures }: ScriptedSinkOptions): ReadonlyMap<string, Answer> {
  const answers = new Map<string, Answer>();
  for (const [letter, failure] of Object.entries({ ...SCRIPT_FAILURES, ...failures })) {
    answers.set(letter, (subscriber) => subscriber.error(toError(failure)));
  }
  for (const [letter, response] of Object.entries({ ...SCRIPT_RESPONSES, ...responses })) {
    answers.set(letter, (subscriber) => subscriber.next(response));
  }
  return answers;
}

function toError(failure: Failure | Error): Error {
  return failure instanceof Error ? failure : new ExportError(failure, `scripted: ${failure.kind}`);
}
