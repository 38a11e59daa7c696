import type { WayName } from '../programs/ways.ts';

/** What a published design in Rust claims of the same four ways, on spans of a name, ids and times: another machine, another language, and nothing that was measured here. */
export interface Published {
  readonly spansPerSecond: number;
  /** The 95th percentile from the end of a span to its acknowledgement. */
  readonly millis: number;
  /** Of all four ways, from the least to the most. */
  readonly megabytes: readonly [number, number];
}

const MEGABYTES = [500, 1_200] as const;

export const PUBLISHED: Readonly<Partial<Record<WayName, Published>>> = {
  oneByOne: { spansPerSecond: 10_000, millis: 150, megabytes: MEGABYTES },
  oneInFlight: { spansPerSecond: 150_000, millis: 25, megabytes: MEGABYTES },
  streaming: { spansPerSecond: 540_000, millis: 15, megabytes: MEGABYTES },
  sharedHandle: { spansPerSecond: 320_000, millis: 20, megabytes: MEGABYTES },
};

export const TITLES: Readonly<Record<WayName, string>> = {
  roundTrip: 'the HTTP round trip alone',
  oneByOne: 'one request per span, in turn',
  oneInFlight: 'one request in flight',
  streaming: 'streaming, batches and 8 at once',
  sharedHandle: 'one handle, many callers',
};

/** Printed where a figure is behind the published one. */
export const WHY_BEHIND: Readonly<Record<WayName, string>> = {
  roundTrip: '',
  oneByOne:
    'a span is a whole batch here: beside the round trip of the line above it has a deadline, an abort signal, books and a turn of the event loop of its own.',
  oneInFlight: 'one thread encodes, and waits with the next batch until the last is answered.',
  streaming: 'one thread takes the spans in, encodes them and feeds the sockets; threads in Rust share that.',
  sharedHandle: 'each span carries the books of its caller through the same one thread, and each call a promise.',
};
