import { turnOfHost } from '../../internal/timers.ts';

/** For this long the program stands still at a time. */
const SLICE_MILLIS = 0.25;
/** Where the program itself takes long turns, a slice lasts this part of one: otherwise a busy program would hardly export. */
const TURN_PART = 0.1;

/** What slices are measured and parted by. */
export interface EventLoop {
  nowMillis(): number;
  /** Resolves when everything else has had a turn. */
  turn(): Promise<void>;
}

/** The host's, looked up at each use: under fake timers that were real before, or the other way round, no request stops for good. */
const hostLoop: EventLoop = {
  nowMillis: () => performance.now(),
  turn: () => new Promise<void>((resolve) => void turnOfHost()(resolve)),
};

/** Does work in slices: between them the event loop has a turn. The clock is looked at after each step. */
export async function inSlices<Made>(steps: Iterator<void, Made, void>, loop: EventLoop = hostLoop): Promise<Made> {
  let begunMillis = loop.nowMillis();
  let sliceMillis = SLICE_MILLIS;
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    const endedMillis = loop.nowMillis();
    if (endedMillis - begunMillis < sliceMillis) continue;
    await loop.turn();
    begunMillis = loop.nowMillis();
    sliceMillis = Math.max(SLICE_MILLIS, TURN_PART * (begunMillis - endedMillis));
  }
}
