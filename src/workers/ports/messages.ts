import type { CloseReason } from '../../model/batch.ts';
import type { Failure } from '../../model/sink.ts';

/** How the far side ended a batch. */
export type PortAnswer =
  | {
      readonly kind: 'accepted';
      readonly rejected: number;
      readonly removed: number;
      readonly stored: number;
      readonly message: string | undefined;
    }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly message: string };

/** From the side that sends. `hello`: it is there · `batch` · `cancel`: it does not wait for this batch any more · `end`: nothing more comes. */
export type FromSender =
  | { readonly kind: 'hello' }
  | {
      readonly kind: 'batch';
      readonly session: string;
      readonly id: number;
      readonly payload: unknown;
      readonly count: number;
      readonly bytes: number;
      readonly closedBy: CloseReason;
    }
  | { readonly kind: 'cancel'; readonly session: string; readonly id: number }
  | { readonly kind: 'end' };

/** From the side that receives. `credit`: so many batches may be sent in this session · `answer`: a batch has ended · `bye`: nobody receives any more, and batches after `lastId` were not looked at. */
export type FromReceiver =
  | { readonly kind: 'credit'; readonly session: string; readonly upTo: number }
  | {
      readonly kind: 'answer';
      readonly session: string;
      readonly id: number;
      readonly answer: PortAnswer;
      readonly upTo: number;
    }
  | { readonly kind: 'bye'; readonly session: string; readonly lastId: number };
