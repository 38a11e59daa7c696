import { describe, expect, it } from 'vitest';
import { LentBody } from '../../../src/sinks/shared/http/body.ts';

/** A body of two pieces in lent memory, and how often it was given back. */
function lentBody() {
  const memory = Uint8Array.from([1, 2, 3, 4]);
  const told: string[] = [];
  const pieces = [memory.subarray(0, 3), memory.subarray(3)];
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
});
