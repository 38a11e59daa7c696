import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BufferPool } from '../../src/otlp/protobuf/bufferPool.ts';
import { BufferRanges } from '../../src/otlp/protobuf/bufferRanges.ts';
import { OutputBuffer } from '../../src/otlp/protobuf/outputBuffer.ts';
import { randomRuns } from '../support/randomRuns.ts';

describe('BufferPool: its outputs', () => {
  test('are made when the pool is empty', () => {
    const outputs = new BufferPool();
    expect(outputs.take()).toBeInstanceOf(OutputBuffer);
    expect(outputs.take()).not.toBe(outputs.take());
  });

  test('are reused, the one that was given back last first', () => {
    const outputs = new BufferPool();
    const taken = [outputs.take(), outputs.take()];
    for (const output of taken) outputs.giveBack(output);
    expect(outputs.take()).toBe(taken[1]);
    expect(outputs.take()).toBe(taken[0]);
    expect(taken).not.toContain(outputs.take());
  });

  test('belong to one lender at a time, in any order of taking and giving back', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 60 }), (steps) => {
        const outputs = new BufferPool();
        const lent: OutputBuffer[] = [];
        for (const step of steps) {
          if (step === 0 && lent.length > 0) outputs.giveBack(lent.shift() as OutputBuffer);
          else lent.push(outputs.take());
        }
        expect(new Set(lent).size).toBe(lent.length);
      }),
      randomRuns(100),
    );
  });

  test('are kept up to a limit of 64', () => {
    const outputs = new BufferPool();
    const taken = Array.from({ length: 70 }, () => new OutputBuffer(8));
    for (const output of taken) outputs.giveBack(output);
    const again = new Set(Array.from({ length: 70 }, () => outputs.take()));
    expect(taken.filter((output) => again.has(output))).toHaveLength(64);
  });
});

/** Where each piece begins, and how long it is: apart from each other, so that none is joined to the one before. */
const anyEdges = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 40 })), { maxLength: 12 })
  .map((gaps) => {
    let at = 0;
    return gaps.map(([gap, length]) => {
      const start = at + gap;
      at = start + length;
      return [start, at] as const;
    });
  });

describe('BufferRanges: the lent pieces', () => {
  const bytes = Buffer.from(Uint8Array.from({ length: 1024 }, (_, index) => index % 251).buffer);

  test('hold the same bytes as the copy, and only large ranges are views of the buffer', () => {
    fc.assert(
      fc.property(anyEdges, fc.integer({ min: 1, max: 50 }), (edges, leastBytes) => {
        const pieces = new BufferRanges();
        for (const [start, end] of edges) pieces.add(start, end);
        const lent = pieces.lentFrom(bytes, leastBytes);
        expect(Buffer.concat(lent)).toEqual(Buffer.from(pieces.copiedFrom(bytes)));
        const shared = lent.filter(({ buffer }) => buffer === bytes.buffer);
        const large = edges.filter(([start, end]) => end - start >= leastBytes);
        expect(shared.map(({ byteOffset, length }) => [byteOffset, byteOffset + length])).toEqual(large);
      }),
      randomRuns(100),
    );
  });

  test('are those of received bytes where a range is of those, and are not copied where they are large', () => {
    const received = Buffer.from(Uint8Array.from({ length: 1024 }, (_, index) => 255 - (index % 251)).buffer);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 40 }), fc.boolean())), (given) => {
        const pieces = new BufferRanges();
        for (const [start, length, isReceived] of given)
          pieces.add(start, start + length, isReceived ? received : undefined);
        const expected = Buffer.concat(
          given.map(([start, length, isReceived]) => (isReceived ? received : bytes).subarray(start, start + length)),
        );
        expect(pieces.length).toBe(expected.length);
        expect(Buffer.from(pieces.copiedFrom(bytes))).toEqual(expected);
        const lent = pieces.lentFrom(bytes, 20);
        expect(Buffer.concat(lent)).toEqual(expected);
        for (const piece of lent) if (piece.buffer === received.buffer) expect(piece.length).toBeGreaterThanOrEqual(20);
        const hasLarge = given.some(([, length, isReceived]) => isReceived && length >= 20);
        if (hasLarge) expect(lent.some(({ buffer }) => buffer === received.buffer)).toBe(true);
      }),
    );
  });

  test('neighbouring small ranges are copied into one piece', () => {
    const pieces = new BufferRanges();
    for (const [start, end] of [
      [0, 2],
      [4, 6],
      [10, 30],
      [40, 41],
    ] as const)
      pieces.add(start, end);
    expect(pieces.lentFrom(bytes, 16).map(({ length }) => length)).toEqual([4, 20, 1]);
  });

  test('without a range there is no piece', () => {
    expect(new BufferRanges().lentFrom(bytes, 1)).toEqual([]);
  });
});
