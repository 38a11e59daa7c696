import { describe, expect, it } from 'vitest';
import { otlpBackend } from '../../src/testing/index.ts';
import { run } from './child.ts';
import type { TelemetryInput } from './programs/telemetry.ts';

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
    const input: TelemetryInput = { url: new URL('/', backend.url).href, exitDeadlineMillis: 500 };
    // The reader would wait for 30 seconds, and an attempt for 10.
    const program = await run('telemetry', { input, boundMillis: 25_000 });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
    const lost = { delivered: 0, lost: { unconfirmed: 1 } };
    expect(program.one('exit')).toMatchObject({ traces: lost, logs: lost, metrics: lost });
  });
});
