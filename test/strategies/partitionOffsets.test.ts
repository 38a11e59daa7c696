import { expect, test } from 'vitest';
import { type OpenOffset, PartitionOffsets } from '../../src/strategies/partitionOffsets.ts';

test('commits up to the first message that is not settled, in whatever order they are', () => {
  const offsets = new PartitionOffsets(10n);
  expect(offsets.toCommit).toBeUndefined();
  const [ten, eleven, twelve] = [10n, 11n, 12n].map((offset) => offsets.begin(offset)) as [
    OpenOffset,
    OpenOffset,
    OpenOffset,
  ];
  offsets.settle(twelve);
  offsets.settle(eleven);
  expect([offsets.toCommit, offsets.position, offsets.openCount]).toEqual([undefined, 13n, 1]);
  offsets.settle(ten);
  expect([offsets.toCommit, offsets.isSettled]).toEqual([13n, true]);
  offsets.committed(13n);
  expect(offsets.toCommit).toBeUndefined();
});

test('commits what comes before a message that is open, and what was skipped behind the last one', () => {
  const offsets = new PartitionOffsets(0n);
  offsets.settle(offsets.begin(0n));
  const gap = offsets.begin(5n); // the broker has compacted what was between
  expect(offsets.toCommit).toBe(5n);
  offsets.skipTo(9n); // control records
  offsets.settle(gap);
  expect([offsets.toCommit, offsets.position]).toEqual([9n, 9n]);
  offsets.skipTo(3n);
  expect(offsets.position).toBe(9n);
});

test('reads a message again, and what came after it, and ignores how these ended before', () => {
  const offsets = new PartitionOffsets(0n);
  const [zero, one, two] = [0n, 1n, 2n].map((offset) => offsets.begin(offset)) as [OpenOffset, OpenOffset, OpenOffset];
  expect(offsets.rewind(one)).toBe(true);
  expect([offsets.position, offsets.openCount]).toEqual([1n, 1]);
  expect(offsets.rewind(two)).toBe(false);
  const again = offsets.begin(1n);
  offsets.settle(one);
  offsets.settle(two);
  offsets.settle(zero);
  expect(offsets.toCommit).toBe(1n);
  offsets.settle(again);
  expect(offsets.toCommit).toBe(2n);
});
