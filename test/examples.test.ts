import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { otlpBackend } from '../src/testing/index.ts';

const running = new Set<ChildProcess>();

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs an example as it is, and returns what it printed. */
async function run(name: string, ...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'examples', name), ...args]);
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close', { signal: AbortSignal.timeout(55_000) })) as [number | null];
  running.delete(child);
  return { code, output };
}

/** The number behind a name in the printed books. */
function printed(output: string, name: string): number {
  return Number(new RegExp(`${name} +(\\d+)`).exec(output)?.[1]);
}

describe.concurrent('examples/01-quick-start.ts', () => {
  test('sends everything past a slow and a broken backend, and both sides agree', async () => {
    const { code, output } = await run('01-quick-start.ts');
    expect(output).toContain('The books agree, and nothing was lost.');
    for (const label of ['backend well', 'backend slow', 'backend down']) expect(output).toContain(label);
    expect(printed(output, 'spans received')).toBe(printed(output, 'spans ended'));
    // A few thousand a second, for twelve seconds.
    expect(printed(output, 'spans ended')).toBeGreaterThan(10_000);
    expect(Number(/\((\d+) of them retries\)/.exec(output)?.[1])).toBeGreaterThan(0);
    expect(code).toBe(0);
  });

  test('sends to an endpoint that is given', async () => {
    await using backend = await otlpBackend({ maxRequests: 1 });
    const { code, output } = await run('01-quick-start.ts', '--endpoint', backend.url);
    expect(output).toContain('Nothing was lost.');
    expect(backend.spans).toBe(printed(output, 'spans ended'));
    expect(code).toBe(0);
  });

  test('fails where the endpoint refuses, and says what became of the spans', async () => {
    await using backend = await otlpBackend({ maxRequests: 1, answers: { status: 400 } });
    const { code, output } = await run('01-quick-start.ts', '--endpoint', backend.url);
    expect(output).toContain('Not everything was delivered.');
    expect(printed(output, 'permanent')).toBe(printed(output, 'spans ended'));
    expect(code).toBe(1);
  });
});
