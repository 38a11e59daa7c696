import { type Attempt, type AttemptPhase, ExportError, type Response } from '../../model/sink.ts';
import { orAborted } from '../shared/orAborted.ts';
import { unanswered } from './answer/noAnswer.ts';
import { meaningOf, type Question, readAnswer } from './answer/readAnswer.ts';
import type { AnswerHead, Connections } from './connection/contract.ts';
import { headersOf, type PreparedRequest, prepare, type RequestContext } from './request.ts';

/** What all attempts of a sink share. */
export interface ExportContext<Item> extends RequestContext<Item> {
  readonly connections: Connections;
}

/** One attempt to export a batch, from its items to the meaning of the answer. */
export class ExportAttempt<Item> {
  readonly #items: readonly Item[];
  readonly #context: ExportContext<Item>;
  readonly #attempt: Attempt;
  readonly #signal: AbortSignal;
  readonly #question: Question;
  #phase: AttemptPhase = 'preparing';

  /** @param attempt is called with each phase of the attempt, and with the meaning of an answer's status */
  constructor(items: readonly Item[], context: ExportContext<Item>, attempt: Attempt, signal: AbortSignal) {
    const {
      signal: { path },
      url,
      encoding,
      maxResponseBytes,
    } = context.settings;
    this.#items = items;
    this.#context = context;
    this.#attempt = attempt;
    this.#signal = signal;
    this.#question = { where: `${url.origin}${url.pathname}`, path, encoding, maxResponseBytes };
  }

  async run(): Promise<Response> {
    this.#enter('preparing');
    const request = await prepare(this.#items, this.#context, this.#signal);
    let isAnswered = false;
    try {
      const response = await this.#send(request);
      isAnswered = true;
      return response;
    } catch (error) {
      throw unanswered(error, this.#phase, this.#question.where);
    } finally {
      request.body.end(isAnswered);
    }
  }

  async #send(request: PreparedRequest): Promise<Response> {
    const { body, unencodable } = request;
    if (unencodable === this.#items.length) return { unencodable };
    const { settings, connections } = this.#context;
    const headers = await orAborted(headersOf(request, settings), this.#signal);
    const { url } = settings;
    const options = {
      origin: url.origin,
      method: 'POST',
      path: `${url.pathname}${url.search}`,
      headers,
      // undici's documentation allows the iterable, its types omit it.
      body: body.content as Uint8Array,
    } as const;
    const watch = {
      enter: (phase: AttemptPhase) => this.#enter(phase),
      headed: (head: AnswerHead) => this.#headed(head, unencodable),
    };
    const answer = await connections.request(options, watch, this.#signal);
    return withUnencodable(await readAnswer(answer, this.#question), unencodable);
  }

  #enter(phase: AttemptPhase): void {
    this.#phase = phase;
    this.#attempt.enter(phase, this.#question.where);
  }

  #headed(head: AnswerHead, unencodable: number): void {
    const meaning = meaningOf(head, this.#question);
    this.#attempt.status?.(head.status);
    this.#attempt.answered(meaning instanceof ExportError ? meaning : withUnencodable(meaning, unencodable));
  }
}

function withUnencodable(response: Response, unencodable: number): Response {
  return unencodable === 0 ? response : { ...response, unencodable };
}
