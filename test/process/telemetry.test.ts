import { describe, expect, it } from 'vitest';
import { otlpBackend } from '../../src/testing/index.ts';
import { type Ended, run } from './child.ts';
import type { TelemetryInput } from './programs/telemetry.ts';

const lostOf = (program: Ended, signal: string) =>
  (program.one('exit') as unknown as Readonly<Record<string, { readonly lost: object }>>)[signal]?.lost;

describe('a program with telemetry() that comes to its natural end', () => {
  it('collects metrics once, and sends what there is of all signals', async () => {
    await using backend = await otlpBackend();
    const input: TelemetryInput = { url: new URL('/', backend.url).href, exitDeadlineMillis: 30_000 };
    const program = await run('telemetry', { input });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [], stderr: '' });
    const sent = { delivered: 1, lost: {} };
    expect(program.one('exit')).toMatchObject({ traces: sent, logs: sent, metrics: sent });
    expect(backend.items).toBe(3);
  });

  it('ends after its deadlines with a backend that never answers, and not by the timer of the reader', async () => {
    await using backend = await otlpBackend({ answers: 'hang' });
    const url = new URL('/', backend.url).href;
    // The reader would wait for so long that the program is killed before, and the exports would be tried again for as long.
    const input: TelemetryInput = { url, exitDeadlineMillis: 500, readerMillis: 3_600_000 };
    const program = await run('telemetry', { input });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
    for (const signal of ['traces', 'logs', 'metrics']) {
      // On a busy machine, the deadline may pass before the request is sent.
      expect([{ unconfirmed: 1 }, { shutdown: 1 }]).toContainEqual(lostOf(program, signal));
    }
  });
});
