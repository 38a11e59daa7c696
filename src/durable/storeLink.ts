import { Thread, type ThreadCrash } from '../workers/thread/thread.ts';
import type { FromStore, StorePlan, ToStore } from './protocol.ts';
import { threadEntry } from './thread/threadEntry.ts';

/** What a store tells whoever has started it. */
export interface StoreEvents {
  onMessage(message: FromStore): void;
  /** It has ended without being told to. What was asked is not answered any more. */
  onCrash(crash: Pick<ThreadCrash, 'kind' | 'error'>): void;
}

/** A store that runs. */
export interface StoreLink {
  post(message: ToStore, transfer?: ArrayBuffer[]): void;
  /** It keeps the process alive from now on. */
  hold(): void;
  /** It does not any more. */
  release(): void;
  /** Ends it, whatever it is doing. */
  end(): Promise<void>;
}

/** Starts a store. Tests run one beside themselves, on a disk that fails. */
export type StartStore = (plan: StorePlan, events: StoreEvents) => StoreLink;

/** In a thread of its own: SQLite is synchronous, and a disk may be slow. */
export const startStoreThread: StartStore = (plan, { onMessage, onCrash }) =>
  new Thread<ToStore, FromStore>({
    name: 'spanflow durable',
    entry: threadEntry(),
    data: plan,
    onAnswer: onMessage,
    onUnreadable: (error) => onCrash({ kind: 'error', error }),
    onCrash,
  });
