import { describe, expect, it } from 'vitest';
import { LentBody, type Sending } from '../../../src/sinks/otlpHttp/body.ts';

/** A body of two pieces in lent memory, and what became of it. */
function lentBody() {
  const memory = Uint8Array.from([1, 2, 3, 4]);
  const told: string[] = [];
  const pieces = [memory.subarray(0, 3), memory.subarray(3)];
  const lent = { pieces, length: 4, giveBack: () => told.push('given back') };
  return { memory, told, body: new LentBody(lent, () => told.push('over')) };
}

function begun(body: LentBody): Sending {
  const sending = body.begin();
  if (sending === undefined) throw new TypeError('it cannot be begun');
  return sending;
}

const iterator = ({ body }: Sending) => (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();

async function sent(sending: Sending): Promise<number[]> {
  const bytes: number[] = [];
  for await (const piece of sending.body as AsyncIterable<Uint8Array>) bytes.push(...piece);
  return bytes;
}

const OVER = ['over', 'given back'];

describe('a lent body', () => {
  it('is given back when it was answered, and the last of its pieces was taken', async () => {
    const { body, told } = lentBody();
    const sending = begun(body);
    const pieces = iterator(sending);
    await pieces.next();
    await pieces.next();
    sending.answered();
    expect(told).toEqual([]);
    expect(await pieces.next()).toEqual({ value: undefined, done: true });
    expect(told).toEqual(OVER);
  });

  it('is given back when it was sent, and then answered', async () => {
    const { body, told } = lentBody();
    const sending = begun(body);
    expect(await sent(sending)).toEqual([1, 2, 3, 4]);
    expect(told).toEqual([]);
    sending.answered();
    expect(told).toEqual(OVER);
  });

  it('that was given back cannot be begun', async () => {
    const { body } = lentBody();
    const sending = begun(body);
    await sent(sending);
    sending.answered();
    expect(body.begin()).toBeUndefined();
  });

  it('is awaited by whoever knows that it is over before its memory is used by another', async () => {
    const { body, told } = lentBody();
    const sending = begun(body);
    await sent(sending);
    sending.answered();
    expect(told.indexOf('over')).toBeLessThan(told.indexOf('given back'));
  });

  it.each([
    ['answered, answered, sent, sent', ['a', 'b', 'A', 'B']],
    ['sent, sent, answered, answered', ['A', 'B', 'a', 'b']],
    ['answered and sent, one after the other', ['a', 'A', 'b', 'B']],
    ['sent and answered, in turn', ['A', 'b', 'a', 'B']],
  ])('of two attempts is given back once, after the last of both: %s', async (_, steps) => {
    const { body, told } = lentBody();
    const [first, second] = [begun(body), begun(body)];
    const step: Record<string, () => unknown> = {
      a: () => first.answered(),
      b: () => second.answered(),
      A: () => sent(first),
      B: () => sent(second),
    };
    for (const [index, name] of steps.entries()) {
      expect(told).toEqual([]);
      await step[name]?.();
      if (index === steps.length - 1) expect(told).toEqual(OVER);
    }
  });

  it('waits for an attempt that was begun, and never sent anything', async () => {
    const { body, told } = lentBody();
    const [sending] = [begun(body), begun(body)];
    await sent(sending);
    sending.answered();
    expect(told).toEqual([]);
  });

  it('whose sender went away is not given back', async () => {
    const { body, told } = lentBody();
    const sending = begun(body);
    const pieces = iterator(sending);
    await pieces.next();
    await pieces.return?.();
    sending.answered();
    expect(told).toEqual([]);
  });

  it('is never given back after a failure, which may leave a reader behind', async () => {
    const { body, told } = lentBody();
    const failed = begun(body);
    await sent(failed);
    failed.failed();
    const again = begun(body);
    expect(await sent(again)).toEqual([1, 2, 3, 4]);
    again.answered();
    expect(told).toEqual([]);
    expect(await sent(begun(body))).toEqual([1, 2, 3, 4]);
  });

  it('has memory of its own after a failure, but for who reads it still', async () => {
    const { body, memory } = lentBody();
    const reader = begun(body);
    const pieces = iterator(reader);
    const { value } = await pieces.next();
    reader.failed();
    expect(value?.buffer).toBe(memory.buffer);
    memory.fill(0);
    expect(await sent(begun(body))).toEqual([1, 2, 3, 4]);
  });

  it('is not given back where one of two attempts fails, whichever way the other goes', async () => {
    const { body, told } = lentBody();
    const [good, bad] = [begun(body), begun(body)];
    await sent(good);
    good.answered();
    await sent(bad);
    bad.failed();
    expect(told).toEqual([]);
  });
});
