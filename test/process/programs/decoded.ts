import { decodeTraces, encodeTraces } from '../../../src/otlp/index.ts';
import { spanWith } from '../../support/spans.ts';
import { Collections } from './collections.ts';
import { report } from './kit.ts';

/** Decodes spans and keeps them for a while, and then three millions that it lets go at once: how often is what collected? */

const attributes = { method: 'GET', list: ['a', 'b'] };
const body = encodeTraces(
  Array.from({ length: 512 }, (_, index) => spanWith({ name: `step ${index % 20}`, attributes })),
);
const collections = new Collections();

const kept = Array.from({ length: 100 }, () => decodeTraces(body));
kept.length = 0;
for (let turn = 0; turn < 500; turn++) decodeTraces(body);
await collections.forget();
for (let turn = 0; turn < 6_000; turn++) decodeTraces(body);
report('decoded', await collections.counted());
