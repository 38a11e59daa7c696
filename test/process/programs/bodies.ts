import { encodeTraces } from '../../../src/otlp/index.ts';
import { spanWith } from '../../support/spans.ts';
import { Collections } from './collections.ts';
import { report } from './kit.ts';

/** Encodes some 600 MB and keeps nothing: how often is what collected? */

// Few spans and long texts: encoding itself makes hardly any garbage.
const spans = Array.from({ length: 8 }, (_, index) => spanWith({ attributes: { text: 'x'.repeat(40_000 + index) } }));
const collections = new Collections();

function encode(bytes: number): void {
  for (let encoded = 0; encoded < bytes; ) encoded += encodeTraces(spans).length;
}

// The engine is still finding out how large its heap should be.
encode(100_000_000);
await collections.forget();
encode(500_000_000);
report('encoded', await collections.counted());
