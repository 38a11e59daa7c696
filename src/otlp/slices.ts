import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { encodeEach, type OnUnencodable } from './encode-each.ts';

/** For so long the program waits at a time, unless one span takes longer. */
const SLICE_MILLIS = 0.25;
/** So many spans are taken between two looks at the clock. */
const SPANS_PER_LOOK = 16;

/** Ends when what was begun last has ended. */
let last: Promise<unknown> = Promise.resolve();

/** Makes one request after the other: what is made in slices at the same time would only take longer. */
export function inTurn<Made>(make: () => Promise<Made>): Promise<Made> {
  const made = last.then(make);
  last = made.catch(() => {});
  return made;
}

/** Takes span for span, as {@link encodeEach} does, in slices: between them the event loop has a turn. */
export async function encodeInSlices(
  spans: readonly ReadableSpan[],
  add: (span: ReadableSpan) => void,
  onUnencodable: OnUnencodable,
): Promise<void> {
  let begun = performance.now();
  for (let from = 0; from < spans.length; from += SPANS_PER_LOOK) {
    const to = Math.min(from + SPANS_PER_LOOK, spans.length);
    encodeEach(spans, add, onUnencodable, from, to);
    if (to === spans.length || performance.now() - begun < SLICE_MILLIS) continue;
    await nextTurn();
    begun = performance.now();
  }
}
