// Writes more than its memory could hold while the backend is away, then sends all of it, and tells how much memory it has taken.
import { of, throwError } from 'rxjs';
import { durable } from '../../../src/durable/index.ts';
import { exponentialBackoff } from '../../../src/index.ts';
import { ExportError, type ObservableSink } from '../../../src/model/sink.ts';
import { exportOnce } from '../../support/exportOnce.ts';
import { spanWith } from '../../support/spans.ts';

interface Input {
  readonly directory: string;
  readonly batches: number;
  readonly bytes: number;
}

const { directory, batches, bytes }: Input = JSON.parse(process.argv[2] ?? '');
const AT_A_TIME = 4;

const report = (is: string, facts: object = {}) => process.stdout.write(`${JSON.stringify({ is, ...facts })}\n`);

let isAway = true;
const received = new Set<string>();
let twice = 0;
const sink: ObservableSink<ReturnType<typeof spanWith>> = {
  name: 'backend',
  export: ({ items }) => {
    if (isAway) return throwError(() => new ExportError({ kind: 'retryable' }, 'away'));
    for (const { name } of items) {
      if (received.has(name.slice(0, 8))) twice += 1;
      received.add(name.slice(0, 8));
    }
    return of({});
  },
};
const backoff = exponentialBackoff({ initialMillis: 10, maxMillis: 100 });
const queue = durable(sink, {
  ...{ directory, sync: 'normal', flush: 'delivered', maxSendingBytes: 4 * 1024 ** 2, send: { retry: { backoff } } },
} as const);
await queue.opened();
const spanOf = (index: number) => spanWith({ name: `${index}`.padStart(8, '0').padEnd(bytes, `${index}`) });
for (let index = 0; index < 2 * AT_A_TIME; index += 1) await exportOnce(queue, [spanOf(index)]);
const before = process.memoryUsage().rss;
let begun = 2 * AT_A_TIME;
const writer = async () => {
  while (begun < batches) {
    begun += 1;
    await exportOnce(queue, [spanOf(begun - 1)]);
  }
};
await Promise.all(Array.from({ length: AT_A_TIME }, writer));
const { items, bodyBytes } = queue.stats().disk;
report('full', { items, bodyBytes });
isAway = false;
const alive = setInterval(() => {}, 60_000); // the sending keeps no process alive
await queue.forceFlush();
clearInterval(alive);
const peakBytes = process.resourceUsage().maxRSS * 1_024 - before;
const { delivered, pending, lost } = queue.stats();
report('sent', { received: received.size, twice, delivered, pending, lost, peakBytes });
await queue.shutdown();
