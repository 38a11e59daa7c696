// How exports end: at a flush, at a shutdown, and in whose books.

import { WatchedExporter } from '../../support/httpExporters.ts';
import { moment } from '../moment.ts';
import { contentsOf } from '../server/messages.ts';
import { ACCEPT, permanent, SILENCE } from '../server/script.ts';
import type { ScriptedServer } from '../server/server.ts';
import { itemsOf } from '../subjects/items.ts';
import { officialExporter } from '../subjects/official.ts';
import { spanSource } from '../subjects/tracer.ts';
import type { Workbench } from '../workbench.ts';

/** More than a queue of four and what may be in flight. */
const SPANS = 1_000;

/** A gate in front of the first answer. */
function heldFirst() {
  const gate = Promise.withResolvers<void>();
  return {
    release: gate.resolve,
    script: ({ index }: { index: number }) => (index === 0 ? gate.promise.then(() => ACCEPT) : ACCEPT),
  };
}

/** Whether a promise is settled, without waiting for it. */
function watch(promise: Promise<unknown>): { isOver: boolean } {
  const state = { isOver: false };
  const end = () => {
    state.isOver = true;
  };
  promise.then(end, end);
  return state;
}

function answeredItems(server: ScriptedServer, bench: Workbench): number {
  const answered = server.arrivals.filter(({ answeredAtMillis }) => answeredAtMillis !== undefined);
  return answered.reduce((sum, arrival) => sum + contentsOf(arrival, 'traces', bench.subject.encoding).items, 0);
}

/** C14 */
export async function shutdownChoice(bench: Workbench): Promise<void> {
  const { release, script } = heldFirst();
  const server = await bench.server(script);
  const waiting = bench.tracing([server.url], { maxExportBatchSize: 2 });
  waiting.end(1);
  const closing = waiting.shutdown();
  const state = watch(closing);
  await Promise.race([server.until(() => server.arrivals.length === 1), closing]);
  await moment();
  bench.expect(!state.isOver, 'shutdown did not wait for the answer');
  release();
  await closing;
  bench.expect((await waiting.books()).delivered === 1, 'what was answered during the shutdown does not count');

  const silent = await bench.server(SILENCE);
  const impatient = bench.tracing([silent.url], { maxExportBatchSize: 2 });
  if (impatient.shutdownWithoutWaiting === undefined) return bench.expect(false, 'no option not to wait');
  impatient.end(2);
  await silent.until(() => silent.arrivals.length === 1);
  await impatient.shutdownWithoutWaiting();
  const { failed } = await impatient.books();
  bench.expect(failed === 2, `${failed} of 2 counted that were not waited for`);
}

/** C15 */
export async function undelivered(bench: Workbench): Promise<void> {
  const { release, script } = heldFirst();
  const server = await bench.server(script);
  const tracing = bench.tracing([server.url], { maxQueueSize: 4, maxExportBatchSize: 2 });
  tracing.end(SPANS);
  await server.until(() => server.arrivals.length > 0);
  await moment();
  tracing.end(SPANS);
  release();
  await tracing.forceFlush();
  await tracing.shutdown();
  tracing.end(1);
  const arrived = answeredItems(server, bench);
  const { failed } = await tracing.books();
  const offered = 2 * SPANS + 1;
  const text = `of ${offered} spans, one of them after the shutdown, ${arrived} arrived and ${failed} are counted as lost`;
  bench.expect(arrived + failed === offered, text);
  bench.expect(failed > 1, 'the queue was never full, so that this check shows nothing');

  const { protocol } = bench.subject;
  const gate = Promise.withResolvers<void>();
  const held = await bench.pair(() => gate.promise.then(() => permanent(protocol)), { concurrency: 1 });
  const calls = [1, 2, 3].map((count) => held.client.export(itemsOf(count)));
  await held.server.until(() => held.server.arrivals.length === 1);
  gate.resolve();
  const verdicts = await Promise.all(calls);
  const lost = verdicts.reduce((sum, verdict) => sum + verdict.lost, 0);
  const books = await held.client.books();
  bench.expect(
    books.failed === lost,
    `${lost} lost (refused, or over the limit of concurrent exports), ${books.failed} counted`,
  );
}

/** C16 */
export async function severalDestinations(bench: Workbench): Promise<void> {
  const { release, script } = heldFirst();
  const slow = await bench.server(script);
  const quick = await bench.server(ACCEPT);
  const tracing = bench.tracing([slow.url, quick.url], { maxExportBatchSize: 2 });
  tracing.end(2);
  await slow.until(() => slow.arrivals.length === 1);
  tracing.end(2);
  const arrives = quick
    .until(() => answeredItems(quick, bench) === 4)
    .then(
      () => true,
      () => false,
    );
  bench.expect(await arrives, 'one destination waits for the answer of the other');
  release();
  await tracing.forceFlush();
  const items = answeredItems(slow, bench);
  bench.expect(items === 4, `${items} of 4 at the slow destination`);
}

/** C23 */
export async function processorContract(bench: Workbench): Promise<void> {
  await flushWaits(bench);
  await exportsInTurn(bench);
  const { client, server } = await bench.pair(ACCEPT);
  await client.export(itemsOf(1));
  await client.shutdown();
  const { lost } = await client.export(itemsOf(1));
  bench.expect(
    lost === 1 && server.arrivals.length === 1,
    'export after the shutdown sent its batch, and reported success',
  );
}

/** With one export in flight, and another batch in the queue. */
async function flushWaits(bench: Workbench): Promise<void> {
  const { release, script } = heldFirst();
  const server = await bench.server(script);
  const tracing = bench.tracing([server.url], { maxExportBatchSize: 2 });
  tracing.end(2);
  await server.until(() => server.arrivals.length === 1);
  tracing.end(1);
  const flushed = tracing.forceFlush();
  const state = watch(flushed);
  await server.until(() => server.arrivals.length === 2 || state.isOver);
  await moment();
  const answered = answeredItems(server, bench);
  bench.expect(!state.isOver, `forceFlush resolved with ${answered} of 3 spans exported`);
  release();
  await flushed;
  await server.until(() => answeredItems(server, bench) === 3);
}

/** In front of an exporter that is not its own, as the SDK's specification has it. */
async function exportsInTurn(bench: Workbench): Promise<void> {
  const { subject } = bench;
  const server = await bench.server(ACCEPT);
  const exporter = new WatchedExporter(officialExporter(subject.protocol, subject.encoding, server.url));
  const processor = subject.processorFor(exporter, { maxExportBatchSize: 2 });
  const end = spanSource([processor]);
  end(6);
  await processor.forceFlush();
  bench.expect(exporter.maxUnderWay === 1, `${exporter.maxUnderWay} calls of Export at the same time`);
  bench.expect(exporter.flushes > 0, 'forceFlush does not call that of the exporter');
  end(3);
  await Promise.all([processor.shutdown(), processor.shutdown()]);
  const items = answeredItems(server, bench);
  bench.expect(items === 9, `shutdown resolved with ${items} of 9 spans exported`);
  bench.expect(exporter.shutdowns === 1, `two shutdowns call that of the exporter ${exporter.shutdowns} times`);
}
