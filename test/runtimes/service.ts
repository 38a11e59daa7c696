import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { otlpBackend } from '../../src/testing/index.ts';

/** Then something hangs. */
const BOUND_MILLIS = 60_000;
const ASK_AGAIN_MILLIS = 100;

interface ServiceCheck {
  readonly path: string;
  /** The name of a span that each request makes. */
  readonly span: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a web service, asks it once, sends it a SIGTERM, and rejects when the span of the request has not arrived at its end. */
export async function service(cwd: string, args: readonly string[], check: ServiceCheck): Promise<void> {
  await using backend = await otlpBackend();
  const port = await freePort();
  const settings = {
    OTEL_EXPORTER_OTLP_ENDPOINT: new URL('/', backend.url).href,
    PORT: String(port),
    HOST: '127.0.0.1',
  };
  const others = { OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none', NODE_OPTIONS: '' };
  const env = { ...process.env, ...settings, ...others, ...check.environment };
  const child = spawn(process.execPath, args, { cwd, env });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  try {
    const closed = once(child, 'close', { signal: AbortSignal.timeout(2 * BOUND_MILLIS) });
    await answered(`http://127.0.0.1:${port}${check.path}`, child);
    child.kill('SIGTERM');
    await closed;
    const names = backend.requests.flatMap(({ spans }) => spans.map(({ name }) => name));
    if (!names.includes(check.span)) throw new Error(`no span '${check.span}' among: ${names.join(', ')}`);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${said.slice(-2_000)}`, { cause: error });
  } finally {
    child.kill('SIGKILL');
  }
}

/** Asks until the service listens. */
async function answered(url: string, child: ChildProcess): Promise<void> {
  for (const until = performance.now() + BOUND_MILLIS; performance.now() < until; await setTimeout(ASK_AGAIN_MILLIS)) {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}`);
    const response = await fetch(url).catch(() => undefined);
    if (response?.status === 200) return void (await response.text());
  }
  throw new Error(`the service did not answer at ${url}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
