import { describe, expect, it } from 'vitest';
import { startBackend } from '../support/httpExports.ts';
import { burst, officialTracing, ourTracing } from '../support/httpOfficial.ts';

const SPANS = 10_000;

describe('a burst of 10,000 spans in one tick', () => {
  it('arrives whole by our defaults', async () => {
    const backend = await startBackend();
    const { tracer, processor } = ourTracing(backend.url);
    burst(tracer, SPANS);
    await processor.forceFlush();
    expect(backend.spans).toBe(SPANS);
    expect(new Set(backend.requests.flatMap(({ spans }) => spans.map(({ spanId }) => spanId))).size).toBe(SPANS);
  });

  it('is more than the official processor takes by its own', async () => {
    const backend = await startBackend();
    const { tracer, processor } = officialTracing(backend.url);
    burst(tracer, SPANS);
    await processor.forceFlush();
    await processor.shutdown();
    console.info(`official processor, a burst of ${SPANS} spans: ${backend.spans} arrived`);
    expect(backend.spans).toBeGreaterThan(0);
    expect(backend.spans).toBeLessThan(SPANS);
  });
});
