import { describe, expect, it } from 'vitest';
import type { BackendScript } from '../../src/testing/index.ts';
import { startBackend } from '../support/httpExports.ts';
import { burst, officialTracing, ourTracing } from '../support/httpOfficial.ts';

const SPANS = 600;
const SLOW_AT_FIRST: BackendScript = [{ delayMillis: 400 }, 'ok'];

describe('forceFlush, while the first request takes its time,', () => {
  it('of 400 ms, resolves when all 600 spans have arrived', async () => {
    const backend = await startBackend({ answers: SLOW_AT_FIRST });
    const { tracer, processor } = ourTracing(backend.url);
    burst(tracer, SPANS);
    await processor.forceFlush();
    expect(backend.spans).toBe(SPANS);
  });

  it('resolves when all 600 have arrived that were under way already', async () => {
    const backend = await startBackend({ answers: SLOW_AT_FIRST });
    const { tracer, processor } = ourTracing(backend.url);
    burst(tracer, SPANS - 88);
    const first = processor.forceFlush();
    await backend.until(({ inFlight }) => inFlight === 1);
    burst(tracer, 88);
    await processor.forceFlush();
    expect(backend.spans).toBe(SPANS);
    await first;
  });

  it('resolves earlier with the official processor', async () => {
    let answerFirst = () => {};
    const held = new Promise<void>((resolve) => {
      answerFirst = resolve;
    });
    const answers = async (_: unknown, index: number) => {
      if (index === 0) await held;
      return 'ok' as const;
    };
    const backend = await startBackend({ answers });
    const { tracer, processor } = officialTracing(backend.url);
    burst(tracer, SPANS);
    // The first 512 are on their way by themselves; here they take as long as the flush does, however slow the machine is.
    await backend.until(({ inFlight }) => inFlight === 1);
    await processor.forceFlush();
    const arrived = backend.spans;
    console.info(`official processor, forceFlush with a request under way: ${arrived} of ${SPANS} spans had arrived`);
    expect(arrived).toBeLessThan(SPANS);
    answerFirst();
    await backend.until(({ spans }) => spans === SPANS);
  });
});
