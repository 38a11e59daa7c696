import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Child } from './child.ts';
import type { Result } from './compare.ts';
import { type Scenario, scenariosOf } from './scenarios.ts';
import { isWhole, tableOf } from './table.ts';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm run scenarios` with some arguments, to its end. */
function runScenarios(...args: readonly string[]): Promise<Ended> {
  const path = fileURLToPath(new URL('run.ts', import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [path, ...args], { env: {}, timeout: 600_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? Number.NaN), stdout, stderr });
    });
  });
}

function resultOf(key: string, whose: Result['whose'], spans: number): Result {
  const scenario = scenariosOf(60).find((one) => one.key === key) as Scenario;
  return { scenario, whose, spans, duplicates: 1_234, requests: 100, refused: 56, seconds: 61.25 };
}

describe('the scenarios', () => {
  it('see everything delivered by the defaults, through a short outage, restarts and half of all answers 503 too', async () => {
    const { code, stdout, stderr } = await runScenarios('--only', 'a,c,e,f', '--seconds', '4');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^a {2}1,000 spans\/s for 4 s, 2 s of 503 +spanflow +4,000 +4,000 +100\.0 % +0 +[1-9]/m);
    expect(stdout).toMatch(/^a {2}1,000 spans\/s for 4 s, 2 s of 503 +official +4,000 +[\d,]+ +\d+\.\d % /m);
    expect(stdout).toMatch(/^c {2}10,000 spans in one tick +spanflow +10,000 +10,000 +100\.0 % +0 +0 /m);
    expect(stdout).toMatch(/^c {2}10,000 spans in one tick +official +10,000 +[\d,]+ +\d+\.\d % /m);
    expect(stdout).toMatch(
      /^e {2}1,000 spans\/s for 4 s, restarted every second +spanflow +4,000 +4,000 +100\.0 % +\d/m,
    );
    expect(stdout).toMatch(
      /^f {2}1,000 spans\/s for 4 s, half of all answers 503 +spanflow +4,000 +4,000 +100\.0 % +0 +[1-9]\d* +[1-9]\.\d\d /m,
    );
    expect(stdout).toContain('\nspanflow delivered everything.');
    expect(code).toBe(0);
  }, 610_000);

  it('in virtual time show ours beside fixed limits and AIMD', async () => {
    const { code, stdout } = await runScenarios('--only', 'virtual', '--seeds', '1');
    expect(stdout).toMatch(/^eight workers +adaptive +\d+\.\d +\d\.\d\d +\d+\.\d %/m);
    for (const whose of ['fixed 8, the best', 'fixed 8', 'AIMD'])
      expect(stdout).toMatch(new RegExp(`^eight workers +${whose} +\\d+\\.\\d `, 'm'));
    expect(stdout).toContain('\nThe ranges are those of medians over 9 seeds or more: no verdict.');
    expect(code).toBe(0);
  }, 610_000);

  it('put the outage into the middle half of the traffic', () => {
    const [first, second] = scenariosOf(60);
    expect(first?.traffic).toEqual({ spans: 60_000, seconds: 60 });
    expect(first?.backend).toEqual({ outage: { by: '503', fromSeconds: 15, toSeconds: 45 } });
    expect(second?.backend).toEqual({ outage: { by: 'reset', fromSeconds: 15, toSeconds: 45 } });
  });

  it('fail when one span of spanflow is missing, whatever the other one does', () => {
    const official = resultOf('a', 'official', 36_000);
    expect(isWhole([resultOf('a', 'spanflow', 60_000), official])).toBe(true);
    expect(isWhole([resultOf('a', 'spanflow', 59_999), official])).toBe(false);
    expect(isWhole([official])).toBe(false);
  });

  it('never show 100 % when one span is missing', () => {
    const table = tableOf([resultOf('a', 'spanflow', 59_999), resultOf('d', 'official', 88)]);
    expect(table.split('\n')).toEqual([
      '   scenario                                             who         sent  delivered          twice  refused  each    took',
      'a  1,000 spans/s for 60 s, 30 s of 503                  spanflow  60,000     59,999  99.9 %  1,234       56  1.56  61.3 s',
      'd  600 spans, first answer after 400 ms, at forceFlush  official     600         88  14.6 %  1,234       56  1.56  61.3 s',
    ]);
  });

  it('end a program that takes too long, and say so', async () => {
    const backend = new Child('backend', {}, { boundMillis: 1 });
    await expect(backend.ask('listen')).rejects.toThrow('backend, asked to listen: took longer than 1 ms');
    await backend.end();
  });

  it.each([
    [['--seeds', '0'], '--seeds is a whole number from 1, and this is 0'],
    [['--seconds', 'many'], '--seconds is a whole number from 4, and this is many'],
    [['--only', 'a,z'], '--only takes a, b, c, d, e, f and virtual, and this is z'],
  ])('refuse %j', async (args, message) => {
    const { code, stderr } = await runScenarios(...args);
    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });
});
