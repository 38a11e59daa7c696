import { expect, test } from 'vitest';
import { run } from './child.ts';
import type { BatchesInput } from './programs/batches.ts';

const MIB = 1_048_576;

test.each(['a sink of its own', 'otlpHttp'] as const)(
  'batches that were exported by %s are collected young',
  async (to) => {
    const input: BatchesInput = { to };
    const program = await run('batches', { input, flags: ['--expose-gc', '--single-threaded-gc'] });
    expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
    const { deliveredSpans, grownBytes } = program.one('batches');
    expect(deliveredSpans).toBe(60_000);
    // 40 batches are some 40 MiB, of which an object with a getter of its own holds all: its hidden class lives in the old generation.
    expect(grownBytes).toBeLessThan(4 * MIB);
  },
);
