import { constants, PerformanceObserver } from 'node:perf_hooks';
import { encodeTraces } from '../../../src/otlp/index.ts';
import { spanWith } from '../../support/spans.ts';
import { report } from './kit.ts';

/** Encodes some 600 MB and keeps nothing: how often is what for collected? */

const collections = { full: 0, young: 0 };
const observer = new PerformanceObserver((list) => {
  for (const { detail } of list.getEntries() as unknown as { detail: { kind: number } }[]) {
    if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections.full += 1;
    if (detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) collections.young += 1;
  }
});
observer.observe({ entryTypes: ['gc'] });

// Few spans and long texts: encoding itself makes hardly any garbage.
const spans = Array.from({ length: 8 }, (_, index) => spanWith({ attributes: { text: 'x'.repeat(40_000 + index) } }));

function encode(bytes: number): void {
  for (let encoded = 0; encoded < bytes; ) encoded += encodeTraces(spans).length;
}

// The engine is still finding out how large its heap should be.
encode(100_000_000);
await new Promise((resolve) => setTimeout(resolve));
collections.full = 0;
collections.young = 0;
encode(500_000_000);
// The observer is told when the program has a turn again.
await new Promise((resolve) => setTimeout(resolve));
report('encoded', { ...collections });
