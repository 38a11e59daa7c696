import { describe, expect, it } from 'vitest';
import { run } from './child.ts';

const OFFERED = 500; // fifty rounds of ten, each of them lost
const SPANS_PER_WARNING = 2;

describe('a diag logger that makes spans', () => {
  it.each([undefined, 0])(
    'gets a few warnings, and its spans are suppressed (warnIntervalMillis %s)',
    async (warnIntervalMillis) => {
      const program = await run('diagLoop', { input: { contextManager: true, warnIntervalMillis } });
      expect(program).toMatchObject({ code: 0, faults: [] });
      expect(program.one('flushed').offered).toBe(OFFERED);
      expect(program.one('afterShutdown').offered).toBe(OFFERED + 3);
      if (warnIntervalMillis === undefined) expect(program.one('flushed').warnings).toBeLessThanOrEqual(2);
    },
  );

  it('does not feed itself where no context manager suppresses its spans', async () => {
    const program = await run('diagLoop', { input: { contextManager: false } });
    expect(program).toMatchObject({ code: 0, faults: [] });
    const { warnings, offered } = program.one('flushed');
    expect(warnings).toBeLessThanOrEqual(2);
    expect(offered).toBeLessThanOrEqual(OFFERED + 2 * SPANS_PER_WARNING);
    expect(program.one('afterShutdown').warnings).toBeLessThanOrEqual(2);
  });

  it('does not feed itself there even when every warning is reported at once', async () => {
    const program = await run('diagLoop', { input: { contextManager: false, warnIntervalMillis: 0 } });
    expect(program).toMatchObject({ code: 0, faults: [] });
    // Three spans came after the shutdown: that is told, and is not news for ever.
    expect(program.one('afterShutdown').warnings).toBeLessThanOrEqual(3);
  });
});
