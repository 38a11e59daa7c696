import { decodeTraces, encodeTraces } from '../../../src/otlp/index.ts';
import { spanWith } from '../../support/spans.ts';
import { Collections } from './collections.ts';
import { report } from './kit.ts';

/** Decodes spans and keeps them for a while, and then two million that it drops at once: it counts the collections of the heap. */

const attributes = { method: 'GET', list: ['a', 'b'] };
const body = encodeTraces(
  Array.from({ length: 512 }, (_, index) => spanWith({ name: `step ${index % 20}`, attributes })),
);
const collections = new Collections();

const kept = Array.from({ length: 100 }, () => decodeTraces(body));
kept.length = 0;
for (let turn = 0; turn < 500; turn++) decodeTraces(body);
await collections.forget();
for (let turn = 0; turn < 4_000; turn++) decodeTraces(body);
report('decoded', await collections.counted());
