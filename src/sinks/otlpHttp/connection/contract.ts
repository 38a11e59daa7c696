import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { AttemptPhase } from '../../../model/sink.ts';

/** Sends requests to one backend, several at a time. */
export interface Connections {
  /** Sends a request and reads its answer. It rejects if there is no answer, and if it is aborted. Before the phase `sending`, nothing of the request was sent. */
  request(options: Dispatcher.DispatchOptions, watch: RequestWatch, signal: AbortSignal): Promise<Answer>;
  close(): Promise<void>;
}

/** Follows one request. */
export interface RequestWatch {
  enter(phase: AttemptPhase): void;
  /** The status is known; the body is still to come. */
  headed(head: AnswerHead): void;
}

/** What an answer begins with. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

export interface Answer extends AnswerHead {
  /** `broken`: it ended too soon, or no more of it came · `tooLong`: it is larger than allowed. */
  readonly body: Buffer | 'broken' | 'tooLong';
}
