import type { Dispatcher } from 'undici';
import type { AnswerHead, RequestWatch } from '../../shared/http/contract.ts';

/** Sends requests over connections, several at a time. */
export interface Connections {
  /** As that of a `Transport`. */
  request(options: Dispatcher.DispatchOptions, watch: RequestWatch, signal: AbortSignal): Promise<RawAnswer>;
  close(): Promise<void>;
}

/** An answer as it is on the wire. */
export interface RawAnswer extends AnswerHead {
  /** `broken`: it ended too soon, or no more of it came · `tooLong`: it is larger than allowed. */
  readonly body: Buffer | 'broken' | 'tooLong';
}
