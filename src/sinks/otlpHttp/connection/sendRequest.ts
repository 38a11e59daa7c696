import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Answer, AnswerHead, RequestWatch } from './contract.ts';

/**
 * So long an answer may stand still once its status is known: what is missing is only what it says beside. It holds a slot of the sink, so this is a fraction of the usual timeout of an attempt,
 * and yet the time in which TCP sends again three times what was lost.
 */
export const MAX_SILENCE_MILLIS = 2_000;

/**
 * Sends one request and reads its answer. It rejects where there was none, and when it is aborted.
 *
 * @param dispatch hands the request over to an HTTP client
 */
export function sendRequest(
  dispatch: (handler: Dispatcher.DispatchHandler) => void,
  watch: RequestWatch,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const handler = new AnswerReader(watch, maxBytes, (outcome) => {
      signal.removeEventListener('abort', abort);
      if ('error' in outcome) reject(outcome.error);
      else resolve(outcome);
    });
    const abort = () => handler.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    dispatch(handler);
  });
}

/** What the HTTP client tells of one sendRequest. */
class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #watch: RequestWatch;
  readonly #maxBytes: number;
  readonly #settle: (outcome: Answer | { error: unknown }) => void;
  readonly #chunks: Buffer[] = [];
  #length = 0; // bytes of the body so far
  #controller: Dispatcher.DispatchController | undefined;
  #head: AnswerHead | undefined;
  #silence: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(watch: RequestWatch, maxBytes: number, settle: (outcome: Answer | { error: unknown }) => void) {
    this.#watch = watch;
    this.#maxBytes = maxBytes;
    this.#settle = settle;
  }

  /** A client that has not begun with the request hears of it when it begins. */
  abort(reason: unknown): void {
    this.#end({ error: reason });
    this.#controller?.abort(reason as Error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('the request was aborted'));
    else this.#watch.enter('sending');
  }

  onRequestSent(): void {
    if (!this.#isOver && this.#head === undefined) this.#watch.enter('waiting');
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // Informational: the answer is still to come.
    if (this.#isOver || status < 200) return;
    const head = { status, headers };
    this.#head = head;
    this.#watch.enter('reading');
    this.#watch.headed(head);
    this.#silence = setTimeout(() => this.#leave('broken'), MAX_SILENCE_MILLIS).unref();
    if (Number(headers['content-length']) > this.#maxBytes) this.#leave('tooLong');
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    this.#silence?.refresh();
    this.#length += chunk.length;
    this.#chunks.push(chunk);
    if (this.#length > this.#maxBytes) this.#leave('tooLong');
  }

  onResponseEnd(): void {
    this.#answer(Buffer.concat(this.#chunks));
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.#head === undefined) this.#end({ error });
    else this.#answer('broken');
  }

  #leave(body: Answer['body']): void {
    this.#answer(body);
    this.#controller?.abort(new Error('the rest of the answer is not read'));
  }

  #answer(body: Answer['body']): void {
    if (this.#head !== undefined) this.#end({ ...this.#head, body });
  }

  #end(outcome: Answer | { error: unknown }): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#silence);
    this.#settle(outcome);
  }
}
