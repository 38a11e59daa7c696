import type { LossReason } from '../../src/index.ts';
import type { TrialInput } from './client/trialInput.ts';
import type { Store } from './store.ts';

export type Protocol = 'http' | 'grpc';

/** A backend that is sick. */
export interface Sick {
  readonly url: string;
  /** Whom a client may trust, in PEM, where it has TLS. */
  readonly ca?: string;
  /** Makes it well, at the same address. Left out: it cannot be mended, or is well. */
  readonly heal?: () => void | Promise<void>;
}

/** Starts a backend that ends with the test, and puts what it keeps into the store. */
export type Fault = (store: Store) => Promise<Sick>;

/** How a span may end while the fault lasts. */
export type Ending = 'delivered' | LossReason;

/** One fault, and what is expected of a client that meets it. */
export interface Row {
  readonly name: string;
  /** How the spans of a pipeline with few attempts end while it lasts: all of them in one of these ways. */
  readonly ends: readonly Ending[] | Readonly<Record<Protocol, readonly Ending[]>>;
  /** Where a client does not try again, although it does not know either: what was sent before the backend is mended is `unconfirmed`. */
  readonly isFinal?: readonly Protocol[];
  /** What is peculiar to the client. */
  readonly client?: Partial<TrialInput>;
  /** The backend; or why there is nothing to show. */
  readonly http: Fault | string;
  readonly grpc: Fault | string;
}

/** An attempt ends by its time limit here: long enough to be sent, also on a busy machine. */
export const WAITS: Partial<TrialInput> = Object.freeze({ attemptMillis: 400, attempts: 2 });

export function endsOf({ ends }: Row, protocol: Protocol): readonly Ending[] {
  return 'http' in ends ? ends[protocol] : ends;
}
