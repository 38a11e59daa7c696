import type { AttemptPhase } from '../../../model/sink.ts';

/**
 * How long the body of an answer may pause once its status is known. Only details are missing then, and the request still occupies a slot, so this is a fraction of the usual attempt timeout; but long
 * enough for TCP to send a lost packet again three times.
 */
export const MAX_PAUSE_MILLIS = 2_000;

/** One request, as it is sent. */
export interface SentRequest {
  readonly origin: string;
  readonly method: 'POST';
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** To be read once. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
}

/** How requests leave for one backend, several at a time: what differs between sockets and `fetch`. */
export interface Transport {
  /** Whether it reads a body piece by piece and no longer than it sends, so that the memory of the body can be used again. */
  readonly takesLentBodies: boolean;
  /** Resolves with the bytes compressed, in memory of their own. */
  compressed(bytes: Uint8Array, coding: 'gzip' | 'zstd'): Promise<Uint8Array>;
  /** Sends a request and reads its answer. It rejects if there is no answer, and if it is aborted. Before the phase `sending`, nothing of the request was sent. */
  request(request: SentRequest, watch: RequestWatch, signal: AbortSignal): Promise<Answer>;
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
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Answer extends AnswerHead {
  /** Without its content codings. `broken`: it ended too soon, or no more of it came · `tooLong`: it is larger than allowed · `unreadable`: its content coding is unknown or broken. */
  readonly body: Uint8Array | 'broken' | 'tooLong' | 'unreadable';
}
