// Writes until the system refuses to let its files grow, and then goes on reading, sending and telling.
import { throwError } from 'rxjs';
import { durable } from '../../../src/durable/index.ts';
import { ExportError } from '../../../src/index.ts';
import { exportOnce } from '../../support/exportOnce.ts';
import { spanWith } from '../../support/spans.ts';

const { directory }: { readonly directory: string } = JSON.parse(process.argv[2] ?? '');
const report = (is: string, facts: object = {}) => process.stdout.write(`${JSON.stringify({ is, ...facts })}\n`);
const MAX_BATCHES = 1_000;

const queue = durable(
  { name: 'dead', export: () => throwError(() => new ExportError({ kind: 'retryable' }, 'nobody is there')) },
  { directory },
);
await queue.opened();
for (let index = 0; index < MAX_BATCHES; index += 1) {
  const name = `${index} `.padEnd(60_000, '.');
  try {
    await exportOnce(queue, [spanWith({ name })]);
    report('answered', { name: `${index}` });
  } catch (error) {
    const { message, failure } = error as ExportError;
    report('refused', { message, kind: failure.kind, state: queue.stats().disk.state });
    break;
  }
}
await queue.shutdown();
