import { encodeTraces, viewTraces } from '../../../src/otlp/index.ts';
import { spanWith } from '../../support/spans.ts';
import { Collections } from './collections.ts';
import { input, report } from './kit.ts';

/** Encodes some 600 MB and keeps nothing, or receives as much: how often is what collected? */

// Few spans and long texts: encoding itself makes hardly any garbage.
const spans = Array.from({ length: 8 }, (_, index) => spanWith({ attributes: { text: 'x'.repeat(40_000 + index) } }));
const collections = new Collections();

const body = encodeTraces(spans);

const ways = {
  encoded: () => encodeTraces(spans).length,
  // A body of its own each time, as they come from a socket.
  viewed: () => {
    viewTraces(new Uint8Array(body));
    return body.length;
  },
};
const { way } = input<{ way: keyof typeof ways }>();

function handle(bytes: number): void {
  for (let handled = 0; handled < bytes; ) handled += ways[way]();
}

// The engine is still finding out how large its heap should be.
handle(100_000_000);
await collections.forget();
handle(500_000_000);
report('handled', await collections.counted());
