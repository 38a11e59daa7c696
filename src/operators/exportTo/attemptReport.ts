import { RaceTimeoutError } from '../../model/errors.ts';
import {
  type Attempt,
  type AttemptPhase,
  type ExportError,
  type Failure,
  PHASES_BEFORE_SENDING,
  type Response,
} from '../../model/sink.ts';

const DOING: Readonly<Record<AttemptPhase, string>> = Object.freeze({
  preparing: 'preparing the request to',
  resolving: 'resolving the host of',
  connecting: 'connecting to',
  securing: 'in the TLS handshake with',
  sending: 'sending to',
  waiting: 'waiting for the answer of',
  reading: 'reading the answer of',
});

/** What a sink has reported of one attempt, and what that means when the attempt is aborted. */
export class AttemptReport implements Attempt {
  readonly timeoutMillis: number;
  readonly #sink: string;
  readonly #onRepeat: () => void;
  #phase: AttemptPhase | undefined;
  #where: string;
  #answer: Response | ExportError | undefined;
  #statusCode: number | string | undefined;

  /** @param onRepeat is called when the sink makes another request within the attempt */
  constructor(sink: string, timeoutMillis: number, onRepeat: () => void) {
    this.#sink = sink;
    this.#onRepeat = onRepeat;
    this.timeoutMillis = timeoutMillis;
    this.#where = sink;
  }

  enter(phase: AttemptPhase, where?: string): void {
    this.#phase = phase;
    if (typeof where === 'string' && where !== '') this.#where = where;
  }

  answered(answer: Response | ExportError): void {
    this.#answer = answer;
  }

  /** The request before was refused, so nothing of the batch has arrived. */
  repeat(): void {
    this.#answer = undefined;
    this.#statusCode = undefined;
    this.#phase = 'preparing';
    this.#onRepeat();
  }

  status(code: number | string): void {
    this.#statusCode = code;
  }

  /** The status of the answer, if the sink has reported one. */
  get statusCode(): number | string | undefined {
    return this.#statusCode;
  }

  /** The answer, if the sink has reported one before the attempt ended. */
  get answer(): Response | ExportError | undefined {
    return this.#answer;
  }

  /** What the sink sends to, as far as it has said: its own name otherwise. */
  get where(): string {
    return this.#where;
  }

  /** Whether bytes of the batch may have left the process. */
  get mayHaveArrived(): boolean {
    return !PHASES_BEFORE_SENDING.has(this.#phase);
  }

  /** What an abort before the answer means for the items. */
  get failure(): Failure {
    return { kind: this.mayHaveArrived ? 'unknownOutcome' : 'retryable' };
  }

  timeout(millis: number): RaceTimeoutError {
    const doing = this.#phase === undefined ? undefined : DOING[this.#phase];
    return new RaceTimeoutError(`an export to ${this.#sink}`, millis, doing && `while ${doing} ${this.#where}`);
  }
}
