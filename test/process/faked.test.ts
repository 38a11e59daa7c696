import { describe, expect, it } from 'vitest';
import { otlpBackend } from '../../src/testing/index.ts';
import { run } from './child.ts';

describe('a package that was imported while the timers of the host were replaced', () => {
  it.each([
    { by: 'node:test', endsSpans: false },
    { by: 'hand', endsSpans: false },
    { by: 'node:test', endsSpans: true },
    { by: 'hand', endsSpans: true },
  ])(
    'exports and shuts down when they are back ($by, spans under the fakes: $endsSpans)',
    async ({ by, endsSpans }) => {
      const flaky = await otlpBackend({ answers: [{ status: 503 }, 'ok'] });
      try {
        const program = await run('faked', { input: { url: flaky.url, by, endsSpans } });
        const early = endsSpans ? 1 : 0;
        expect(program.one('done')).toMatchObject({ delivered: 1_100 + 100 * early, pending: 0, items: 5_001 + early });
        expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
        expect(flaky.spans).toBe(1_100 + 100 * early);
      } finally {
        await flaky.close();
      }
    },
  );
});
