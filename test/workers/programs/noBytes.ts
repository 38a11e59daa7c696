/** A child process that was forked without `serialization: 'advanced'`, and tells what becomes of its batch. */
import { lastValueFrom } from 'rxjs';
import type { ExportError } from '../../../src/index.ts';
import { toPort } from '../../../src/workers/index.ts';

const sink = toPort<string>(process);
const batch = { items: ['a'], bytes: 1, closedBy: 'count', hold: () => ({ ready() {}, settle() {} }) } as const;
const [first, second] = [1, 2].map(() =>
  lastValueFrom(sink.export(batch)).catch(({ failure, message }: ExportError) => ({ failure, message })),
);
process.send?.({ first: await first, second: await second });
