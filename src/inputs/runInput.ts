import type { Observable } from 'rxjs';
import type { Account } from '../ledger/account.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { FlushRequest, FlushUrgency } from '../model/batch.ts';
import { FlushRequests, outsideCaller } from './shared/flushRequests.ts';

/** What an input offers the run that it feeds. */
export interface RunInput {
  /** What only inputs of ours have. */
  readonly books?: InputBooks;
  /** The ledger that the user has given it, where it opens its books later. */
  readonly ledger?: Ledger | undefined;
  /** It goes on where it was when it is subscribed again. One with books does. */
  readonly isHot?: boolean;
  readonly flush$: Observable<FlushRequest>;
  /** Resolves when everything that was accepted before has left and has an outcome, however long that takes. */
  flush(urgency: FlushUrgency): Promise<void>;
  /** Accepts nothing any more, and sends what is queued. */
  end(urgency: FlushUrgency): void;
}

/** The books of an input of ours. */
export interface InputBooks {
  readonly ledger: Ledger;
  /** Whether the ledger is the user's, who may have given it to others, too. */
  readonly isGiven: boolean;
  readonly account: Account;
}

const inputs = new WeakMap<object, RunInput>();

/** @param names what the user may name it by: the input itself, or its stream */
export function registerInput(names: readonly object[], input: RunInput): void {
  for (const name of names) inputs.set(name, input);
}

/** An input that can flush and end, if it is one of ours. */
export function runInputOf(name: object): RunInput | undefined {
  return inputs.get(name);
}

/** An Observable of another library cannot be flushed or ended. The stages behind it are flushed and ended instead. */
export function plainInput(endStages: () => void): RunInput {
  const flushes = new FlushRequests();
  const flush: RunInput['flush'] = (urgency) => outsideCaller((onDone) => flushes.send(onDone, urgency));
  const end: RunInput['end'] = (urgency) => {
    flushes.send(() => {}, urgency);
    endStages();
  };
  return { flush$: flushes.requests$, flush, end };
}
