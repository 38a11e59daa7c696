import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { otlpBackend } from '../src/testing/index.ts';

const EXAMPLES = join(import.meta.dirname, '..', 'examples');
/** Then something hangs: no measure of speed. */
const BOUND_MILLIS = 150_000;

const running = new Set<ChildProcess>();

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs an example as it is, and returns what it printed. */
async function run(name: string, ...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return runNode(join(EXAMPLES, name), ...args);
}

async function runNode(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  // The runner of this test would otherwise be taken for that of the example.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, args, { env });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close', { signal: AbortSignal.timeout(BOUND_MILLIS) })) as [number | null];
  running.delete(child);
  return { code, output };
}

/** The number behind a name in the printed books. */
function printed(output: string, name: string): number {
  return Number(new RegExp(`${name} +(\\d+)`).exec(output)?.[1]);
}

describe.concurrent('examples/01-quickStart.ts', () => {
  test('sends everything past a slow and a broken backend, and both sides agree', async () => {
    const { code, output } = await run('01-quickStart.ts');
    expect(output).toContain('The books agree, and nothing was lost.');
    for (const label of ['backend well', 'backend slow', 'backend down']) expect(output).toContain(label);
    expect(printed(output, 'spans received')).toBe(printed(output, 'spans ended'));
    // At what rate depends on the machine.
    expect(printed(output, 'spans ended')).toBeGreaterThan(0);
    expect(Number(/\((\d+) of them retries\)/.exec(output)?.[1])).toBeGreaterThan(0);
    expect(code).toBe(0);
  });

  test('ends quietly, and its backend with it, when its output is read no more', async () => {
    const child = spawn(process.execPath, [join(EXAMPLES, '01-quickStart.ts')]);
    running.add(child);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    // The backend has the same stderr: this waits for both processes.
    const [code] = await once(child, 'close', { signal: AbortSignal.timeout(BOUND_MILLIS) });
    running.delete(child);
    expect({ code, said }).toEqual({ code: 0, said: '' });
  });

  test('sends to an endpoint that is given', async () => {
    await using backend = await otlpBackend({ maxRequests: 1 });
    const { code, output } = await run('01-quickStart.ts', '--endpoint', backend.url);
    expect(output).toContain('Nothing was lost.');
    expect(backend.spans).toBe(printed(output, 'spans ended'));
    expect(code).toBe(0);
  });

  test('fails where the endpoint refuses, and says what became of the spans', async () => {
    await using backend = await otlpBackend({ maxRequests: 1, answers: { status: 400 } });
    const { code, output } = await run('01-quickStart.ts', '--endpoint', backend.url);
    expect(output).toContain('Not everything was delivered.');
    expect(printed(output, 'permanent')).toBe(printed(output, 'spans ended'));
    expect(code).toBe(1);
  });
});

describe.concurrent('the other examples', () => {
  test('03: everything passes, and few batches are in memory', async () => {
    const { code, output } = await run('03-slowBackend.ts');
    const [, delivered, most, closings] = /delivered (\d+); at most (\d+) .* closed (\d+) times/.exec(output) ?? [];
    expect(code).toBe(0);
    expect(Number(delivered)).toBe(30_000);
    // Two batches are out, and two wait.
    expect(Number(most)).toBeLessThanOrEqual(4_000);
    expect(Number(closings)).toBeGreaterThan(1);
  });

  test('04: each batch has its outcome, whatever the backend does', async () => {
    const { code, output } = await run('04-flakyBackend.ts');
    expect(output).toContain('delivered 9, rejected 1, lost: none, after 5 attempts one span is too old');
    expect(output).toMatch(/delivered 0, rejected 0, lost: 10 permanent, after 1 attempts .* answered 400: no, never/);
    expect(output).toContain('delivered 10, rejected 0, lost: none, after 1 attempts');
    expect(output).toContain('the backend accepted 19');
    expect(code).toBe(0);
  });

  test('05: what the books say is in the file', async () => {
    const { code, output } = await run('05-ownSink.ts');
    expect(output).toMatch(/^1000 lines in .*; the books say 1000 delivered$/m);
    expect(code).toBe(0);
  });

  test('07: the old vendor gets everything, and the books of both agree with what they have', async () => {
    const { code, output } = await run('07-twoVendors.ts');
    expect(output).toContain('old: 2000 of 2000 spans go this way, delivered 2000, lost {}');
    expect(output).toMatch(/new: \d+ of 2000 spans go this way, delivered \d+, lost/);
    expect(output).toMatch(/the whole says 2000; the vendors have 2000 and \d+/);
    expect(code).toBe(0);
  });

  test('08: the fallback takes over and hands back, and the backup has everything', async () => {
    const { code, output } = await run('08-failover.ts');
    const states = [...output.matchAll(/spans go to the (\w+)/g)].map(([, state]) => state);
    expect(states).toEqual(['primary', 'fallback', 'primary']);
    expect(output).toMatch(/offered (\d+), delivered \1, lost {}/);
    expect(output).toContain('failed: 0, dropped: 0, pending: 0');
    expect(code).toBe(0);
  });

  test('06: passes under the test runner of Node', async () => {
    const { code, output } = await runNode('--test', join(EXAMPLES, '06-marbleTest.ts'));
    expect(output).toMatch(/pass 1\n.*fail 0/);
    expect(code).toBe(0);
  });
});
