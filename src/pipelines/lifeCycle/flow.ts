import type { Observable } from 'rxjs';
import type { FlushUrgency } from '../../model/batch.ts';

/** Keeps what would be lost at the end, in files. */
export interface EndKeeper {
  /** How many items it has kept. */
  readonly kept: number;
  /** What was kept since the last time is safe from here on. It never throws. */
  commit(): void;
  /** Nothing more is sent from files. */
  stop(): void;
}

/** What a composition tells its life cycle of itself. */
export interface Flow<R> {
  /** Subscribed to at once. It completes when everything has its outcome after `end`. */
  readonly outcomes$: Observable<R>;
  /** Sends what is queued. Resolves when everything that was accepted before has its outcome. */
  flush(urgency: FlushUrgency): Promise<void>;
  /** Accepts nothing any more, and sends what is queued. */
  end(urgency: FlushUrgency): void;
  /** A number that grows with everything that comes in. Default: the items that the ledger has seen accepted. */
  taken?(): number;
  /** Whether something is pending that the ledger does not know. */
  isPending?(): boolean;
  /** The outcomes have completed or failed before the shutdown. Default: a failure is told as a defect of ours. */
  onEnded?(failure: { readonly thrown: unknown } | undefined): void;
  /** Whether the outcomes may never complete: then they are unsubscribed at the deadline of the shutdown. */
  readonly mayHang?: boolean;
  /** Keeps what would be lost at a deadline of its end, or at the end of the process. Default: it is lost. */
  readonly spool?: EndKeeper | undefined;
  /** What a flush waits for besides, in words: the end of the message when its time is up. Called once for each flush that fails. */
  whyLate?(): string;
  /** The deadline of the shutdown has passed: what waits in front of the stages is given up. */
  onDeadline?(): void;
  /** The deadline of a drain at exit has passed: what waits in front of the stages is given up, and what comes later is accepted again. */
  onExitDeadline?(): void;
  /** Everything has its outcome; the sinks are still open. */
  onDrained?(): void;
}
