/**
 * A service whose backend is away is killed with SIGKILL, and nothing that was answered is lost: it lies on disk, and the next start sends it.
 *
 *     node examples/21-durable.ts
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { otlpHttp, spanPipeline } from 'spanflow';
import { durable } from 'spanflow/durable';
import { otlpBackend } from 'spanflow/testing';

const ORDERS = 100;
const [role, directory = '', url = ''] = process.argv.slice(2);

if (role === 'service') await serve();
else await watch();

/** Ends spans; what has been written is on disk when the flush resolves, although nobody takes it. */
async function serve(): Promise<void> {
  const sink = durable(otlpHttp({ url }), { directory });
  const pipeline = spanPipeline({ sink });
  const tracer = new TracerProvider({ spanProcessors: [pipeline.processor] }).getTracer('shop');
  for (let order = 0; order < ORDERS; order += 1) tracer.startSpan(`order ${order}`).end();
  await pipeline.forceFlush();
  console.log(`${sink.stats().disk.items} spans are on disk`);
  setInterval(() => {}, 60_000); // it would go on for ever
}

async function watch(): Promise<void> {
  const backend = await otlpBackend({ answers: { status: 503 } });
  const folder = mkdtempSync(join(tmpdir(), 'spanflow-example-'));
  const service = spawn(
    process.execPath,
    [...process.execArgv, import.meta.filename, 'service', folder, backend.url],
    { stdio: ['ignore', 'pipe', 'ignore'] }, // node:sqlite is experimental in Node 22, which says so
  );
  const ended = new Promise<NodeJS.Signals | null>((resolve) => service.on('exit', (_, signal) => resolve(signal)));
  for await (const told of service.stdout) {
    process.stdout.write(told);
    service.kill('SIGKILL');
  }
  console.log(`the service was ended by ${await ended}; the backend has ${backend.spans} spans`);

  backend.respond('ok');
  const sink = durable(otlpHttp({ url: backend.url }), { directory: folder, flush: 'delivered' });
  await sink.opened();
  console.log(`the next start finds ${sink.stats().disk.items} spans`);
  const isLong = setInterval(() => {}, 60_000); // the sending alone keeps no process alive
  await sink.forceFlush();
  clearInterval(isLong);
  const { delivered, lost, pending } = sink.stats();
  console.log(`delivered ${delivered}, lost`, lost, `pending ${pending}; the backend has ${backend.spans} spans`);
  await sink.shutdown();
  await backend.close();
  rmSync(folder, { recursive: true });
  process.exitCode = backend.spans === ORDERS && delivered === ORDERS ? 0 : 1;
}
