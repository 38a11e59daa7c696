import { Subject } from 'rxjs';
import { adaptiveBatch, createLedger, exportTo, fixedSize, type ProcessHold, toMemory } from '../../../src/index.ts';
import { input, report, timers, turn } from './kit.ts';

const { processHold } = input<{ processHold: ProcessHold }>();
const ledger = createLedger();
const items$ = new Subject<number>();
const flush$ = new Subject<void>();
const sink = toMemory<number>();
// A delay that follows the arrivals could be over before the timers are counted.
const batches = adaptiveBatch<number>({
  strategy: fixedSize(),
  maxExportBatchSize: 500,
  scheduledDelayMillis: 600_000,
  flushWhen: flush$,
  processHold,
  ledger,
});
items$.pipe(batches, exportTo(sink, { ledger })).subscribe();
report('before', { timers: await timers() });

for (let item = 0; item < 777; item += 1) items$.next(item);
report('queued', { items: sink.items.length, timers: await timers() });

flush$.next();
await turn();
report('idle', { items: sink.items.length, pending: ledger.stats().pending, timers: await timers() });
// The source never completes, and nobody unsubscribes.
