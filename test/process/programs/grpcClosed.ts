/** Ends sinks over gRPC at each moment from the begin of an export on, and reports when nothing of their connections is left. */

import { NO_HOLD } from '../../../src/model/batch.ts';
import { otlpGrpc } from '../../../src/sinks/otlpGrpc/index.ts';
import { spanWith } from '../../support/spans.ts';
import { input, report, timers, turn } from './kit.ts';

const { url } = input<{ url: string }>();
const batch = { items: [spanWith()], bytes: 0, closedBy: 'count' as const, hold: () => NO_HOLD };

async function endedAfter(steps: number, step: () => Promise<void>): Promise<void> {
  const sink = otlpGrpc({ url, environment: {} });
  const attempt = sink.export(batch).subscribe({ error: () => {} });
  for (let taken = 0; taken < steps; taken += 1) await step();
  attempt.unsubscribe();
  await sink.shutdown?.();
}

const microtask = () => Promise.resolve();
const tick = () => new Promise<void>((resolve) => process.nextTick(resolve));
for (const step of [microtask, tick, turn]) {
  for (let steps = 0; steps < 12; steps += 1) await endedAfter(steps, step);
}
const isLeft = async () => (await timers()).armedBy.includes('grpc');
while (await isLeft()) await new Promise((resolve) => setTimeout(resolve, 10));
report('released');
