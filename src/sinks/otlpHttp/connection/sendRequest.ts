import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { type AnswerHead, MAX_PAUSE_MILLIS, type RequestWatch } from '../../shared/http/contract.ts';
import type { RawAnswer } from './contract.ts';

/**
 * Sends one request and reads its answer. It rejects if there is no answer, and if it is aborted.
 *
 * @param dispatch hands the request over to an HTTP client
 */
export function sendRequest(
  dispatch: (handler: Dispatcher.DispatchHandler) => void,
  watch: RequestWatch,
  maxBytes: number,
  signal: AbortSignal,
): Promise<RawAnswer> {
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

/** Reads the answer to one request from the events of the HTTP client. */
class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #watch: RequestWatch;
  readonly #maxBytes: number;
  readonly #settle: (outcome: RawAnswer | { error: unknown }) => void;
  readonly #chunks: Buffer[] = [];
  #length = 0; // bytes of the body so far
  #controller: Dispatcher.DispatchController | undefined;
  #head: AnswerHead | undefined;
  #pause: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(watch: RequestWatch, maxBytes: number, settle: (outcome: RawAnswer | { error: unknown }) => void) {
    this.#watch = watch;
    this.#maxBytes = maxBytes;
    this.#settle = settle;
  }

  /** If the client has not begun the request yet, the request is aborted when it begins. */
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
    // An informational answer: the final one is still to come.
    if (this.#isOver || status < 200) return;
    const head = { status, headers };
    this.#head = head;
    this.#watch.enter('reading');
    this.#watch.headed(head);
    this.#pause = setTimeout(() => this.#leave('broken'), MAX_PAUSE_MILLIS).unref();
    if (Number(headers['content-length']) > this.#maxBytes) this.#leave('tooLong');
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    this.#pause?.refresh();
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

  #leave(body: RawAnswer['body']): void {
    this.#answer(body);
    this.#controller?.abort(new Error('the rest of the answer is not read'));
  }

  #answer(body: RawAnswer['body']): void {
    if (this.#head !== undefined) this.#end({ ...this.#head, body });
  }

  #end(outcome: RawAnswer | { error: unknown }): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#pause);
    this.#settle(outcome);
  }
}
