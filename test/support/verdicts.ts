// What decoders say of bytes that are malformed, or perhaps are.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect } from 'vitest';
import { SpanflowError } from '../../src/model/errors.ts';
import { field } from './bombs.ts';
import { dataFolder } from './data.ts';
import { randomRuns } from './randomRuns.ts';

export type Verdict = 'accept' | 'reject';

/** What a decoder said: `accept`, or `reject` where it was the typed error. Anything else that it throws fails the test. */
export function verdictOf(decode: () => unknown): Verdict {
  try {
    decode();
    return 'accept';
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(SpanflowError);
    expect(thrown).toMatchObject({ code: 'MALFORMED_MESSAGE' });
    return 'reject';
  }
}

/** What is no `Uint8Array`. */
export const NO_BYTES = [null, undefined, 'text', 7, {}, new ArrayBuffer(8)] as unknown as readonly Uint8Array[];

/**
 * The malformed messages of a Collector's tests, each at its place in a request; where they are not there, one that is generated.
 *
 * @param paths where messages of each kind stand, from the request down
 */
export function collectorCases(paths: Readonly<Record<string, readonly number[]>>): { name: string; bytes: Buffer }[] {
  const folder = dataFolder();
  if (folder === undefined) return [{ name: 'an item without its length', bytes: Buffer.from('0a041202120a', 'hex') }];
  const file = readFileSync(`${folder}/hostile/collector__malformed_protobuf_cases.json`, 'utf8');
  const { cases }: { cases: { message: string; case: string; hex: string }[] } = JSON.parse(file);
  return cases.flatMap(({ message, case: name, hex }) => {
    const path = paths[message];
    if (path === undefined) return [];
    const bytes = path.reduceRight<Buffer>((inner, number) => field(number, inner), Buffer.from(hex, 'hex'));
    return [{ name: `${message} ${name}`, bytes }];
  });
}

/** The recorded JSON requests of Fluent Bit's tests, and whether it refuses each; where they are not there, one that is generated. */
export function fluentBitCases(signal: 'logs' | 'metrics'): [name: string, json: string, isRefused: boolean][] {
  const folder = dataFolder();
  if (folder === undefined) return [['root_wrong_type', '[]', true]];
  const file = readFileSync(`${folder}/hostile/fluent-bit__otlp_json_${signal}_cases.json`, 'utf8');
  const cases: Record<string, { input: unknown; expected_error?: unknown }> = JSON.parse(file);
  return Object.entries(cases).map(([name, { input, expected_error }]) => [
    ...([name, JSON.stringify(input), expected_error !== undefined] as const),
  ]);
}

/** Compares two decoders of bytes in which one to three were changed: both refuse them, or both read the same. */
export function expectSameOfChanged<Item>(
  valid: Uint8Array,
  ours: (bytes: Uint8Array) => Item[],
  theirs: (bytes: Uint8Array) => Item[],
): void {
  const change = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
  const runs = randomRuns(3000);
  let read = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const bytes = valid.slice();
      for (const [at, byte] of changes) bytes[at] = byte;
      const [one, other] = [ours, theirs].map((decode) => itemsOrRefused(() => decode(bytes)));
      if (one === 'refused' || other === 'refused') expect(one).toBe(other);
      else {
        read += 1;
        assert.deepStrictEqual(one, other);
      }
    }),
    runs,
  );
  expect(read).toBeGreaterThan(runs.numRuns / 10);
}

/** What was decoded, or that it was refused, whatever was thrown. */
export function itemsOrRefused<Item>(decode: () => Item[]): Item[] | 'refused' {
  try {
    return decode();
  } catch {
    return 'refused';
  }
}
