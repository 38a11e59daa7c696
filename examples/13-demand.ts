/**
 * A source that cannot wait, and a consumer that says how many it can take. What comes meanwhile waits in a bounded queue; what finds no room there is dropped by a policy of your choice, and counted.
 *
 *     node examples/13-demand.ts
 */
import { range, Subject } from 'rxjs';
import { backpressure, createLedger } from 'spanflow';

const demand = new Subject<number>();
const ledger = createLedger();
const taken: number[] = [];

// A burst of 1,000 readings, of which the newest matter most.
range(1, 1_000)
  .pipe(backpressure({ demand, ledger, maxQueueSize: 100, overflow: 'dropOldest' }))
  .subscribe({
    next: (reading) => {
      taken.push(reading);
      // Ten at a time. Then the consumer is busy for a while, and asks for the next ten.
      if (taken.length % 10 === 0) setTimeout(() => demand.next(10), 5);
    },
    complete: () => {
      const { offered, lost } = ledger.stats();
      const [first, last] = [taken[0], taken.at(-1)];
      console.log(`of ${offered} readings ${taken.length} were taken, from ${first} to ${last}; dropped:`, lost);
      process.exitCode = taken.length + (lost.queueFull ?? 0) === offered ? 0 : 1;
    },
  });
demand.next(10);
