// Writes batches, several at a time, and tells of each that was begun and answered. It is killed, or ends by itself after `count` of them.
import { throwError } from 'rxjs';
import { durable } from '../../../src/durable/index.ts';
import { ExportError } from '../../../src/index.ts';
import { exportOnce } from '../../support/exportOnce.ts';
import { spanWith } from '../../support/spans.ts';

interface Input {
  readonly directory: string;
  readonly processes?: 'one' | 'several';
  readonly count?: number;
}

const { directory, processes = 'one', count = Number.POSITIVE_INFINITY }: Input = JSON.parse(process.argv[2] ?? '');
const AT_A_TIME = 4;

const report = (is: string, facts: object = {}) => process.stdout.write(`${JSON.stringify({ is, ...facts })}\n`);

const sink = durable(
  { name: 'dead', export: () => throwError(() => new ExportError({ kind: 'retryable' }, 'nobody is there')) },
  { directory, processes },
);
let begun = 0;

async function writeAll(): Promise<void> {
  while (begun < count) {
    begun += 1;
    const name = `${process.pid} ${begun}`;
    report('begun', { name });
    await exportOnce(sink, [spanWith({ name })]);
    report('answered', { name });
  }
}

await sink.opened();
report('opened', { pid: process.pid, directory: sink.stats().disk.directory });
await Promise.all(Array.from({ length: AT_A_TIME }, writeAll));
report('done');
