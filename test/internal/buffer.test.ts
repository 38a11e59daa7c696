import { types } from 'node:util';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Buffer as Chosen, WebBuffer } from '../../src/internal/buffer.ts';
import { isUint8Array } from '../../src/internal/isUint8Array.ts';
import { randomRuns } from '../support/randomRuns.ts';

const text = fc.string({ unit: 'binary' });
const bytes = fc.uint8Array();
/** The same methods of both, by names that Node's types leave out. */
const both = [Buffer, WebBuffer as unknown as typeof Buffer] as const;
type Hidden = Buffer & {
  utf8Write(text: string, start: number, mostBytes: number): number;
  utf8Slice(start: number, end: number): string;
  hexSlice(start: number, end: number): string;
};

function sameOfBoth(work: (kind: typeof Buffer) => unknown): void {
  const [ofNode, ofWeb] = both.map((kind) => {
    const result = work(kind);
    return result instanceof Uint8Array ? [...result] : result;
  });
  expect(ofWeb).toEqual(ofNode);
}

describe('what stands for Buffer in browsers', () => {
  it('is not used in Node', () => {
    expect(Chosen).toBe(Buffer);
  });

  it('makes bytes of texts as Node does, lone surrogates too', () => {
    fc.assert(
      fc.property(text, fc.nat(20), (given, room) => {
        sameOfBoth((kind) => kind.from(given, 'utf8'));
        sameOfBoth((kind) => kind.byteLength(given));
        sameOfBoth((kind) => {
          const target = kind.alloc(24) as Hidden;
          return [target.utf8Write(given, 3, room), ...target];
        });
      }),
      randomRuns(200),
    );
  });

  it('makes texts of bytes as Node does, of those that are not UTF-8 and of a byte order mark, too', () => {
    fc.assert(
      fc.property(bytes, (given) => {
        for (const content of [given, Uint8Array.of(0xef, 0xbb, 0xbf, ...given)]) {
          const end = content.length;
          const start = Math.min(1, end);
          sameOfBoth((kind) => (kind.from(content) as Hidden).utf8Slice(start, end));
          sameOfBoth((kind) => (kind.from(content) as Hidden).hexSlice(start, end));
          sameOfBoth((kind) => kind.from(content).toString('base64', start, end));
          sameOfBoth((kind) => kind.from(content).toString('utf8', start, end));
        }
      }),
      randomRuns(200),
    );
  });

  it('reads hex and base64 as Node does', () => {
    const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEFgz'), maxLength: 16 });
    fc.assert(
      fc.property(hex, bytes, (digits, content) => {
        sameOfBoth((kind) => kind.from(digits, 'hex'));
        sameOfBoth((kind) => {
          const target = kind.alloc(8);
          return [target.write(digits, 'hex'), ...target];
        });
        for (const encoding of ['base64', 'base64url'] as const) {
          const encoded = Buffer.from(content).toString(encoding);
          sameOfBoth((kind) => kind.from(encoded, 'base64'));
        }
      }),
      randomRuns(200),
    );
  });

  it('copies, joins and views memory as Node does', () => {
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        sameOfBoth((kind) => kind.concat([one, other]));
        sameOfBoth((kind) => {
          const target = new Uint8Array(one.length + 4);
          return [kind.from(one).copy(target, 2, Math.min(1, one.length), one.length), ...target];
        });
        const memory = new Uint8Array([9, ...one]).buffer;
        sameOfBoth((kind) => {
          const view = kind.from(memory, 1, one.length);
          if (one.length > 0) view[0] = 7;
          return [...view, ...view.subarray(1), ...new Uint8Array(memory)];
        });
      }),
      randomRuns(200),
    );
  });
});

describe('a Uint8Array', () => {
  it.each([
    ...[new Uint8Array(1), Buffer.alloc(1), new WebBuffer(1), runInNewContext('new Uint8Array(1)')],
    ...[new Uint8ClampedArray(1), new Int8Array(1), new DataView(new ArrayBuffer(1)), new ArrayBuffer(1)],
    ...[{ [Symbol.toStringTag]: 'Uint8Array' }, Object.create(Uint8Array.prototype), [], null, undefined, 'a', 5],
  ])('is told from anything else as Node tells it: %j', (value) => {
    expect(isUint8Array(value)).toBe(types.isUint8Array(value));
  });
});
