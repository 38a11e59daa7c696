import { NEVER, type Observable } from 'rxjs';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { createLedger } from '../../ledger/ledger.ts';
import { Run } from '../../ledger/run.ts';
import type { FlushRequest } from '../../model/batch.ts';

/** What stages of ours within an operator of the user's are part of: they hear of the flushes, do not keep the process alive by themselves, and have books of their own. */
export class LinkRun {
  readonly #ledger = createLedger();
  readonly #run: Run;

  constructor(flush$: Observable<FlushRequest> = NEVER) {
    const ignore = () => {};
    this.#run = new Run({
      ledger: this.#ledger,
      flush$,
      input: undefined,
      ...{ pauseWhen: NEVER, stopWhen: NEVER, giveUpWhen: NEVER, isHot: false, scheduler: monotonicScheduler },
      ...{ onRetry: ignore, addSink: ignore, onTrouble: ignore },
    });
  }

  /** To be called where the operator is subscribed. */
  within<R>(work: () => R): R {
    return this.#run.within(work);
  }

  /** Items that these stages have taken out or lost: they do not come out any more, and are not inside. */
  get gone(): number {
    let gone = 0;
    for (const { removed, lost, refused } of Object.values(this.#ledger.stats().stages))
      gone += removed + sum(lost) + sum(refused);
    return gone;
  }
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}
