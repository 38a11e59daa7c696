import { describe, expect, it } from 'vitest';
import { LentBody } from '../../../src/sinks/shared/http/body.ts';

/** A body of four bytes in lent memory, which begin these pieces of it, and how often it was given back. */
function lentBody(starts: readonly number[] = [0, 3]) {
  const memory = Uint8Array.from([1, 2, 3, 4]);
  const told: string[] = [];
  const pieces = starts.map((start, index) => memory.subarray(start, starts[index + 1]));
  const use = { pieces, length: 4, unencodable: 0, end: () => {}, giveBack: () => void told.push('given back') };
  return { told, body: new LentBody(use) };
}

async function sent(body: LentBody): Promise<number[]> {
  const bytes: number[] = [];
  for await (const piece of body.content) bytes.push(...piece);
  return bytes;
}

describe('a lent body', () => {
  it('is given back when it was answered, and the last of its pieces was taken', async () => {
    const { body, told } = lentBody();
    const pieces = body.content[Symbol.asyncIterator]();
    await pieces.next();
    await pieces.next();
    body.end(true);
    expect(told).toEqual([]);
    expect(await pieces.next()).toEqual({ value: undefined, done: true });
    expect(told).toEqual(['given back']);
  });

  it('is given back when it was sent, and then answered', async () => {
    const { body, told } = lentBody();
    expect(await sent(body)).toEqual([1, 2, 3, 4]);
    expect(told).toEqual([]);
    body.end(true);
    expect(told).toEqual(['given back']);
  });

  it('whose sender went away is not given back', async () => {
    const { body, told } = lentBody();
    const pieces = body.content[Symbol.asyncIterator]();
    await pieces.next();
    await pieces.return?.(undefined);
    body.end(true);
    expect(told).toEqual([]);
  });

  it('is never given back after a failure, which may leave a reader behind', async () => {
    const { body, told } = lentBody();
    const pieces = body.content[Symbol.asyncIterator]();
    await pieces.next();
    body.end(false);
    await pieces.next();
    await pieces.next();
    expect(told).toEqual([]);
  });

  it('is given back at once if no read has begun, and cannot be read afterwards', async () => {
    const { body, told } = lentBody();
    body.end(false);
    expect(told).toEqual(['given back']);
    await expect(sent(body)).rejects.toThrow('the body was given back');
  });

  it.each([[[0]], [[0, 3]], [[0, 1, 2, 3]]])(
    'can be looked at as a whole, whose pieces begin at %j',
    async (starts) => {
      const { body, told } = lentBody(starts);
      expect([...body.whole()]).toEqual([1, 2, 3, 4]);
      expect(await sent(body)).toEqual([1, 2, 3, 4]);
      body.end(true);
      expect(told).toEqual(['given back']);
      expect(() => body.whole()).toThrow('the body was given back');
    },
  );

  it('that was looked at and not sent is never given back: whoever looks may still do so', () => {
    const { body, told } = lentBody([0]);
    body.whole();
    body.end(false);
    expect(told).toEqual([]);
  });
});
