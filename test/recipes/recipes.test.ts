import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';
import type { Answer, Call } from './lambdaHost.ts';

// Those of Express, Nest and Next need their frameworks: `npm run runtimes -- recipes` runs them, and checks the types of all.
const RECIPES = join(import.meta.dirname, '..', '..', 'examples', 'recipes');
/** Then something hangs: no measure of speed. */
const BOUND_MILLIS = 60_000;

let backend: OtlpBackend;
let child: ChildProcess;
let said = '';

beforeEach(async () => {
  backend = await otlpBackend();
});

afterEach(async () => {
  child.kill('SIGKILL');
  await backend.close();
});

/** Starts a program on the sources, with the backend as its endpoint. */
function start(file: string, args: readonly string[], nodeArgs: readonly string[] = []): void {
  const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: new URL('/', backend.url).href };
  const execArgv = ['--conditions=spanflow-source', ...nodeArgs];
  child = fork(file, args, { env, execArgv, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
}

async function message(): Promise<unknown> {
  return (await once(child, 'message', { signal: AbortSignal.timeout(BOUND_MILLIS) }))[0];
}

function names(): string[] {
  return backend.requests.filter(({ answer }) => answer === 'ok').flatMap(({ spans }) => spans.map(({ name }) => name));
}

describe('lambda.ts, called as Lambda calls it', () => {
  beforeEach(async () => {
    start(join(import.meta.dirname, 'lambdaHost.ts'), [join(RECIPES, 'lambda.ts')]);
    await message();
  });

  async function call(order: string, remainingMillis = BOUND_MILLIS): Promise<Answer> {
    // Again and again: it may freeze only now, after its last answer.
    const thaw = setInterval(() => child.kill('SIGCONT'), 20);
    const answer = message();
    child.send({ event: { order }, remainingMillis } satisfies Call);
    return (await answer.finally(() => clearInterval(thaw))) as Answer;
  }

  test('has sent the span of a call when its process is frozen, also of one that fails', async () => {
    expect(await call('lamp')).toEqual({ result: { order: 'lamp' } });
    expect(backend.spans).toBe(1);
    expect(await call('')).toEqual({ error: 'an order needs a name' });
    expect(names()).toEqual(['place order', 'place order']);
  });

  test('answers in time when the backend does not, and sends the span with the next call', async () => {
    backend.respond({ status: 503 });
    expect(await call('lamp', 1_000)).toEqual({ result: { order: 'lamp' } });
    // Of the second that is left, 200 ms are kept for the answer.
    await expect.poll(() => said, { timeout: BOUND_MILLIS }).toContain('800 ms');
    backend.respond('ok');
    expect(await call('book')).toEqual({ result: { order: 'book' } });
    expect(backend.spans).toBe(2);
  });
});

describe('electron.ts, in a double of the main process', () => {
  beforeEach(async () => {
    start(join(RECIPES, 'electron.ts'), [], ['--import', join(import.meta.dirname, 'withElectronDouble.ts')]);
    await message();
  });

  async function quit(times = 1): Promise<number | null> {
    const exited = once(child, 'exit', { signal: AbortSignal.timeout(BOUND_MILLIS) });
    for (let time = 0; time < times; time += 1) child.send('quit');
    return (await exited)[0] as number | null;
  }

  test('quits when its spans have arrived, however often it is asked to', async () => {
    expect(await quit(2)).toBe(0);
    expect(names()).toEqual(['start']);
    expect(said).toBe('');
  });

  test('quits also when the backend never answers', async () => {
    backend.respond('hang');
    expect(await quit()).toBe(0);
    expect(names()).toEqual([]);
  });
});
