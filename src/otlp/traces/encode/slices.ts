import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { encodeEach, type OnUnencodable } from './encodeEach.ts';

/** For so long the program stands still at a time, or for a few spans: the clock is looked at between them. */
const SLICE_MILLIS = 0.25;
const SPANS_PER_LOOK = 16;
/** Where the program itself takes long turns, a slice lasts this part of one: otherwise a busy program would hardly export. */
const TURN_PART = 0.1;

/** What slices are measured and parted by. */
export interface EventLoop {
  nowMillis(): number;
  /** Ends when everybody else has had a turn. */
  turn(): Promise<void>;
}

/** The host's, looked up at each use: under fake timers that were real before, or the other way round, no request stops for good. */
const hostLoop: EventLoop = {
  nowMillis: () => performance.now(),
  turn: () => new Promise<void>((resolve) => void setImmediate(resolve)),
};

/** Ends when what was begun last has ended. */
let last: Promise<void> = Promise.resolve();

/** Makes one request after the other: what is made in slices at the same time would only take longer. */
export function inTurn<Made>(make: () => Promise<Made>): Promise<Made> {
  const made = last.then(make);
  // Not what was made, which is large, nor why it was not.
  last = made.then(
    () => {},
    () => {},
  );
  return made;
}

/** Takes span for span, as {@link encodeEach} does, in slices: between them the event loop has a turn. */
export async function encodeInSlices(
  spans: readonly ReadableSpan[],
  add: (span: ReadableSpan) => void,
  onUnencodable: OnUnencodable,
  loop: EventLoop = hostLoop,
): Promise<void> {
  let begunMillis = loop.nowMillis();
  let sliceMillis = SLICE_MILLIS;
  for (let from = 0; from < spans.length; from += SPANS_PER_LOOK) {
    const to = Math.min(from + SPANS_PER_LOOK, spans.length);
    encodeEach(spans, add, onUnencodable, from, to);
    const endedMillis = loop.nowMillis();
    if (to === spans.length || endedMillis - begunMillis < sliceMillis) continue;
    await loop.turn();
    begunMillis = loop.nowMillis();
    sliceMillis = Math.max(SLICE_MILLIS, TURN_PART * (begunMillis - endedMillis));
  }
}
