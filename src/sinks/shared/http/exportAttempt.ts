import { type Attempt, type AttemptPhase, ExportError, type Response } from '../../../model/sink.ts';
import { shownUrl } from '../configuration/endpoint.ts';
import { orAborted } from '../orAborted.ts';
import { unanswered } from './answer/noAnswer.ts';
import { meaningOf, type Question, readAnswer } from './answer/readAnswer.ts';
import type { AnswerHead } from './contract.ts';
import { headersOf, type PreparedRequest, prepare, type RequestContext } from './request.ts';

/** What the backend refused, and how. */
interface Refusal {
  readonly status: number;
  readonly error: ExportError;
}

/** One attempt to export a batch, from its items to the meaning of the answer: one request, and another one if the backend refuses it for something that can be changed at once. */
export class ExportAttempt<Item> {
  readonly #items: readonly Item[];
  readonly #context: RequestContext<Item>;
  readonly #attempt: Attempt;
  readonly #signal: AbortSignal;
  readonly #question: Question;
  #phase: AttemptPhase = 'preparing';
  #refused: 401 | undefined; // the headers that functions gave

  /** @param attempt is called with each phase of the attempt, and with the meaning of an answer's status */
  constructor(items: readonly Item[], context: RequestContext<Item>, attempt: Attempt, signal: AbortSignal) {
    const { signal: sent, url, where, encoding, maxResponseBytes } = context.settings;
    this.#items = items;
    this.#context = context;
    this.#attempt = attempt;
    this.#signal = signal;
    this.#question = { where, url: shownUrl(url), path: sent.path, encoding, maxResponseBytes };
  }

  async run(): Promise<Response> {
    for (;;) {
      this.#enter('preparing');
      const request = await prepare(this.#items, this.#context, this.#signal);
      const end = await this.#answerTo(request);
      if (!('error' in end)) return withUnencodable(end, request.unencodable);
      if (!this.#canMend(end, request)) throw end.error;
      this.#attempt.repeat?.();
    }
  }

  async #answerTo(request: PreparedRequest): Promise<Response | Refusal> {
    let isAnswered = false;
    try {
      const end = await this.#send(request);
      isAnswered = !('error' in end);
      return end;
    } catch (error) {
      throw unanswered(error, this.#phase, this.#question.where);
    } finally {
      request.body.end(isAnswered);
    }
  }

  async #send(request: PreparedRequest): Promise<Response | Refusal> {
    const { body, unencodable } = request;
    if (unencodable === this.#items.length) return {};
    const { settings, transport } = this.#context;
    const { url } = settings;
    const headers = await orAborted(headersOf(request, settings, this.#refused), this.#signal);
    const path = `${url.pathname}${url.search}`;
    const watch = {
      enter: (phase: AttemptPhase) => this.#enter(phase),
      headed: (head: AnswerHead) => this.#headed(head, unencodable),
    };
    const sent = { origin: url.origin, method: 'POST', path, headers, body: body.content } as const;
    const answer = await transport.request(sent, watch, this.#signal);
    try {
      return readAnswer(answer, this.#question);
    } catch (error) {
      return { status: answer.status, error: error as ExportError };
    }
  }

  /** Whether another request may be answered otherwise: with new headers, or in another coding. */
  #canMend({ status, error }: Refusal, { coding }: PreparedRequest): boolean {
    const { settings, coding: codings } = this.#context;
    if (status === 401 && settings.headers.isAsked && this.#refused === undefined) {
      this.#refused = 401;
      return true;
    }
    return codings.refused(coding, status, error.message.slice(settings.where.length), settings.where);
  }

  #enter(phase: AttemptPhase): void {
    this.#phase = phase;
    this.#attempt.enter(phase, this.#question.where);
  }

  #headed(head: AnswerHead, unencodable: number): void {
    this.#attempt.status?.(head.status);
    const meaning = meaningOf(head, this.#question);
    this.#attempt.answered(meaning instanceof ExportError ? meaning : withUnencodable(meaning, unencodable));
  }
}

function withUnencodable(response: Response, unencodable: number): Response {
  return unencodable === 0 ? response : { ...response, unencodable };
}
