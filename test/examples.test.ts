import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { otlpBackend } from '../src/testing/index.ts';
import { screenOf, withoutStyles } from './terminal/fakeTerminal.ts';

const EXAMPLES = join(import.meta.dirname, '..', 'examples');
/** As `npm run example` does it: the package, by its name, is its sources. */
const FROM_SOURCES = '--conditions=spanflow-source';
/** Then something hangs: no measure of speed. */
const BOUND_MILLIS = 150_000;

const running = new Set<ChildProcess>();

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs an example as it is, and returns what it printed. */
async function run(name: string, ...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return runNode({}, join(EXAMPLES, name), ...args);
}

async function runNode(
  variables: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<{ code: number | null; output: string }> {
  // The runner of this test would otherwise be taken for that of the example, and its colours asked for.
  const { NODE_TEST_CONTEXT: _, FORCE_COLOR: __, NO_COLOR: ___, ...inherited } = process.env;
  const env = { ...inherited, TERM: 'xterm-256color', ...variables };
  const child = spawn(process.execPath, [FROM_SOURCES, ...args], { env });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close', { signal: AbortSignal.timeout(BOUND_MILLIS) })) as [number | null];
  running.delete(child);
  return { code, output };
}

/** The numbers behind a name in the printed table, one for each side. */
function printed(output: string, name: string): number[] {
  const numbers = new RegExp(`^${name} +([\\d, ]+)$`, 'm').exec(output)?.[1] ?? '';
  return numbers
    .split(' ')
    .filter((number) => number !== '')
    .map((number) => Number(number.replaceAll(',', '')));
}

/** Makes the standard output of a program a terminal of this width, as far as a program can tell. */
function asTerminal(columns: number): string {
  const properties = `{ isTTY: true, columns: ${columns}, rows: 40, getColorDepth: tty.WriteStream.prototype.getColorDepth }`;
  const code = `import tty from 'node:tty'; Object.assign(process.stdout, ${properties});`;
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

const ENDED =
  /^official lost ([\d,]+), spanflow lost 0\nspanflow's books agree with what its backend received; spanflow lost nothing\.$/m;

describe.concurrent('examples/01-quickStart.ts', () => {
  test('sends everything past a slow and a broken backend, in plain lines, beside the official processor', async () => {
    const { code, output } = await run('01-quickStart.ts');
    expect(output).toMatch(ENDED);
    for (const mood of ['well', 'slow', 'down']) {
      for (const side of ['official', 'spanflow']) expect(output).toContain(`backend ${mood}  ${side}  offered `);
    }
    const [ofOfficial, ofSpanflow] = printed(output, 'spans ended');
    // At what rate depends on the machine; the traffic is the same.
    expect(ofOfficial).toBe(ofSpanflow);
    expect(ofSpanflow).toBeGreaterThan(0);
    expect(printed(output, 'received by the backend')).toEqual(printed(output, 'delivered'));
    expect(printed(output, 'received by the backend')[1]).toBe(ofSpanflow);
    expect(printed(output, 'lost')[1]).toBe(0);
    expect(printed(output, 'attempts that were retries')[0]).toBeGreaterThan(0);
    expect(code).toBe(0);
    // No escape, so no colour and no cursor, and nothing that a page of 80 columns wraps but the lines of the log.
    expect(output).not.toContain('\u001b');
    const prose = output.split('\n').filter((line) => !line.startsWith('backend '));
    expect(prose.filter((line) => line.length > 79)).toEqual([]);
    for (const heading of ['What the columns mean', 'What to do next']) expect(output).toContain(`\n${heading}\n`);
  });

  test.each([
    [80, { FORCE_COLOR: '1' }],
    [120, { NO_COLOR: '1' }],
  ])('draws on a terminal of %i columns, with %o', async (columns, colour) => {
    const { code, output } = await runNode(colour, asTerminal(columns), join(EXAMPLES, '01-quickStart.ts'));
    const plain = withoutStyles(output);
    expect(plain !== output).toBe('FORCE_COLOR' in colour);
    const lengths = plain.split('\n').map((line) => screenOf(line, 1_000)[0]?.length);
    expect(Math.max(...lengths.map(Number))).toBeLessThan(columns);
    // Drawn over, and not below each other.
    expect(plain.split('\u001b[11A').length).toBeGreaterThan(10);
    expect(plain).toMatch(ENDED);
    for (const row of ['offered/s', 'pending', 'delivered/s', 'lost'])
      expect(plain).toMatch(new RegExp(`^  ${row} +[▁-█]+ `, 'm'));
    expect(plain).toMatch(/^backend +[▁-█]+ +slow/m);
    expect(code).toBe(0);
  });

  test('ends quietly, and its backend with it, when its output is read no more', async () => {
    const child = spawn(process.execPath, [FROM_SOURCES, join(EXAMPLES, '01-quickStart.ts')]);
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
    expect(output).not.toContain('official');
    expect([backend.spans]).toEqual(printed(output, 'spans ended'));
    expect(code).toBe(0);
  });

  test('fails where the endpoint refuses, and says what became of the spans', async () => {
    await using backend = await otlpBackend({ maxRequests: 1, answers: { status: 400 } });
    const { code, output } = await run('01-quickStart.ts', '--endpoint', backend.url);
    const [ended = Number.NaN] = printed(output, 'spans ended');
    expect(output).toContain(`Not everything was delivered: ${ended.toLocaleString('en-US')} permanent.`);
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
    const { code, output } = await runNode({}, '--test', join(EXAMPLES, '06-marbleTest.ts'));
    expect(output).toMatch(/pass 1\n.*fail 0/);
    expect(code).toBe(0);
  });

  test('10: each job is done once', async () => {
    const { code, output } = await run('10-manyProducers.ts');
    const [, ...done] = /by each consumer: (\d+), (\d+), (\d+)/.exec(output) ?? [];
    expect(done.reduce((sum, count) => sum + Number(count), 0)).toBe(100);
    expect(output).toContain('100 different jobs of 100; producers had to wait: yes');
    expect(code).toBe(0);
  });

  test('11: all tasks end, and one that fails ends nothing', async () => {
    const { code, output } = await run('11-submitAndWait.ts');
    expect(output).toBe('failed: no stock for order 7\n19 of 20 done, from order 1 to order 20; at most 4 at a time\n');
    expect(code).toBe(0);
  });

  test('12: each caller is answered for its items', async () => {
    const { code, output } = await run('12-sharedExport.ts');
    expect(output).toContain('batch: delivered 50, lost: none');
    expect(output).toContain('1 request for three callers');
    expect(output).toContain('careless: delivered 0, lost: 2 permanent one of these is wrong');
    expect(output).toContain('hasty: no time');
    expect(code).toBe(0);
  });

  test('13: the newest readings are taken, and the dropped ones counted', async () => {
    const { code, output } = await run('13-demand.ts');
    expect(output).toBe('of 1000 readings 100 were taken, from 901 to 1000; dropped: { queueFull: 900 }\n');
    expect(code).toBe(0);
  });

  test('14: what takes too long is aborted, and has a substitute', async () => {
    const { code, output } = await run('14-boundedTime.ts');
    expect(output.match(/the request was aborted/g)).toHaveLength(2);
    expect(output).toContain("yesterday's price, because the price service took longer than 50 ms and was aborted");
    expect(output).toContain('2 pieces of news\nno answer\nits signal is aborted: true\n');
    expect(code).toBe(0);
  });

  test('15: the official exporter sends, and what it gives up is tried again', async () => {
    const { code, output } = await run('15-keepYourExporter.ts');
    const books = /offered: 5100, delivered: 5100, lost: {}, retries: (\d+) } the backend has (\d+)/.exec(output);
    const [, retries, received] = books ?? [];
    expect(Number(retries)).toBeGreaterThan(0);
    // Once each, or more often where an answer came after the exporter's timeout.
    expect(Number(received)).toBeGreaterThanOrEqual(5_100);
    expect(code).toBe(0);
  });

  test('16: all signals arrive over few connections, and one that is held back holds back no other', async () => {
    const { code, output } = await run('16-allSignals.ts');
    expect(output).toContain(
      'after 1,000 orders: delivered traces 1000 (0 pending), logs 1000 (0 pending), metrics 2 (',
    );
    expect(output).toMatch(
      /while spans are held back: delivered traces 1000 \(10 pending\), logs 1010 \(0 pending\), metrics 4/,
    );
    expect(output).toMatch(/at the end: delivered traces 1010 \(0 pending\), logs 1010 \(0 pending\), metrics 6/);
    expect(code).toBe(0);
  });

  test('17: a gateway forwards what came, without the health checks, and senders send again what was refused', async () => {
    const { code, output } = await run('17-receiveAndForward.ts');
    expect(output).toContain('while the backend is well: 450 spans arrived; answers by status {"200":');
    expect(output).toMatch(/after it was down for a moment: 900 spans arrived; answers by status .*"503":/);
    expect(output).toContain('the services know of 1200 spans that they were taken, the backend has 900\n');
    expect(code).toBe(0);
  });

  test('18: requests are processed on all cores, with the results of the main thread', async () => {
    const { code, output } = await run('18-allCores.ts');
    expect(output).toMatch(/^40 requests with 20000 spans, of which 15000 were kept, in \d+ bytes of gzip$/m);
    expect(output).toContain('GET /orders: {"count":15000}');
    expect(output).toMatch(/\d ms on the main thread, \d+ ms on \d+ workers: \d+\.\d times as fast$/m);
    expect(code).toBe(0);
  });

  test('19: a whole service redacts, samples and counts, and both backends have the same', async () => {
    const { code, output } = await run('19-relay.ts');
    const [, main, copy] =
      /^200 spans came, (\d+) went to the main backend, (\d+) to the copy, 0 requests with/m.exec(output) ?? [];
    expect([Number(main) >= 10, main === copy]).toEqual([true, true]);
    expect(output).toMatch(/^[1-9]\d* requests of metrics; 0 lost; spanflow_relay_requests_total [1-9]/m);
    expect(code).toBe(0);
  });

  test('20: what is kept on all cores is what is kept on the main thread', async () => {
    const { code, output } = await run('20-sampleOnAllCores.ts');
    expect(output).toMatch(/^40 requests: 1000 spans were kept$/m);
    expect(output).toMatch(/\d ms on the main thread, \d+ ms on \d+ workers: \d+\.\d times as fast$/m);
    expect(code).toBe(0);
  });

  test('21: what was on disk when the service was killed is sent by the next start', async () => {
    const { code, output } = await run('21-durable.ts');
    expect(output).toContain('100 spans are on disk\nthe service was ended by SIGKILL; the backend has 0 spans\n');
    expect(output).toContain(
      'the next start finds 100 spans\ndelivered 100, lost {} pending 0; the backend has 100 spans',
    );
    expect(code).toBe(0);
  });
});
