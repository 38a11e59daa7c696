import { describe, expect, it, onTestFinished } from 'vitest';
import { type BackendScript, type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';
import { run } from './child.ts';
import type { SignalsInput } from './programs/signals.ts';

async function start(answers: BackendScript = 'ok'): Promise<OtlpBackend> {
  const backend = await otlpBackend({ answers });
  onTestFinished(() => backend.close());
  return backend;
}

const DEADLINE_MILLIS = 1_500;

describe.each(['logs', 'metrics'] as const)(
  'a program with a pipeline of %s that comes to its natural end',
  (signal) => {
    const end = (backend: OtlpBackend, options: Partial<SignalsInput> = {}) =>
      run('signals', { input: { signal, url: new URL(`/v1/${signal}`, backend.url), items: 1_500, ...options } });

    it('sends what is queued first, also to a backend that recovers', async () => {
      const backend = await start([{ delayMillis: 200 }, { status: 503 }, 'ok']);
      const program = await end(backend);
      expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
      expect(program.one('exit')).toMatchObject({ accepted: 1_500, delivered: 1_500, lost: {}, pending: 0 });
      expect(backend.items).toBe(1_500);
    });

    it('is over within its deadline with a backend that never answers, and tells what is lost', async () => {
      const program = await end(await start('hang'), { exitDeadlineMillis: DEADLINE_MILLIS });
      expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
      expect(program.one('exit')).toMatchObject({ accepted: 1_500, delivered: 0, pending: 0 });
      const lost = program.one('exit').lost as Readonly<Record<string, number>>;
      // On a busy machine, the deadline may pass before the request is sent.
      expect(['unconfirmed', 'shutdown']).toEqual(expect.arrayContaining(Object.keys(lost)));
      expect(Object.values(lost).reduce((sum, count) => sum + count, 0)).toBe(1_500);
      expect(
        program
          .all('warning')
          .map(({ message }) => String(message))
          .join('\n'),
      ).toMatch(/1500 (unconfirmed|shutdown)/);
    });
  },
);
