/** Operators that the tests run in workers. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { delay, map, pipe, take, tap } from 'rxjs';
import { decodeTraces, encodeTraces } from '../../src/otlp/index.ts';
import { groupByTrace, tailSample } from '../../src/processors/index.ts';
import { operatorTask } from '../../src/workers/index.ts';

const HOUR = 3_600_000;
const receive = (bytes: Uint8Array): readonly ReadableSpan[] => decodeTraces(bytes);
const send = (spans: readonly ReadableSpan[]): Uint8Array => encodeTraces(spans);
const namesOf = (spans: readonly ReadableSpan[]): readonly string[] => spans.map(({ name }) => name);

/** Keeps the traces in which a span has failed. A span that is called `exit` ends the thread. */
export const sample = operatorTask({
  receive,
  operator: pipe(
    tap(({ name }: ReadableSpan) => void (name === 'exit' && process.exit(1))),
    tailSample({ policies: [{ kind: 'errors' }], maxWaitMillis: HOUR }),
  ),
  send,
});

/** The names of the spans of each trace, soon. */
export const groupSoon = operatorTask({
  receive,
  operator: pipe(
    groupByTrace({ maxWaitMillis: 1 }),
    map(({ spans }) => namesOf(spans)),
  ),
});

/** The same, when the flush says so, and not before. */
export const groupLate = operatorTask({
  receive,
  operator: pipe(
    groupByTrace({ maxWaitMillis: HOUR }),
    map(({ spans }) => namesOf(spans)),
  ),
});

/** Ends its thread when a flush lets out what it holds. */
export const dying = operatorTask({
  receive,
  operator: pipe(
    groupByTrace({ maxWaitMillis: HOUR }),
    map((): string => process.exit(1)),
  ),
});

/** Throws for spans that are called `bad`, behind a stage that holds. */
export const throwing = operatorTask({
  receive,
  operator: pipe(
    tap(({ name }: ReadableSpan) => {
      if (name === 'bad') throw new Error('thrown in the worker');
    }),
    tailSample({ policies: [{ kind: 'errors' }], maxSpansPerTrace: 1 }),
    map(({ name }) => name),
  ),
});

export const firstTwo = operatorTask({
  receive,
  operator: pipe(
    map(({ name }: ReadableSpan) => name),
    take(2),
  ),
});

export const unreadable = operatorTask({
  receive: (_: Uint8Array): readonly string[] => {
    throw new Error('cannot be read');
  },
  operator: map((text) => text),
});

export const unsendable = operatorTask<Uint8Array, ReadableSpan, string, string>({
  receive,
  operator: map(({ name }) => name),
  send: () => {
    throw new Error('cannot be sent');
  },
});

export const uncloneable = operatorTask({
  receive,
  operator: map(({ name }: ReadableSpan) => name),
  send: () => (() => {}) as never,
});

/** What comes out later than its chunk, and cannot be cloned. */
export const uncloneableLater = operatorTask<readonly string[], string, unknown>({
  operator: pipe(
    delay(1),
    map((text) => () => text),
  ),
});

/** Of the traces that have gone, those with a span that has failed cannot be cloned. */
export const groupUncloneable = operatorTask<Uint8Array, ReadableSpan, unknown>({
  receive,
  operator: pipe(
    groupByTrace({ maxWaitMillis: HOUR, maxTraces: 2 }),
    map(({ spans }) => (spans.some(({ status }) => status.code === 2) ? () => 'no value' : namesOf(spans))),
  ),
});

/** Every number, but one that cannot be cloned. */
export const numbersBut1200 = operatorTask<readonly number[], number, unknown>({
  operator: map((number) => (number === 1_200 ? () => number : number)),
});

/** What can be cloned when that is tried, and cannot when it is sent. */
export const moody = operatorTask<readonly string[], string, unknown>({
  operator: map((text) => {
    let reads = 0; // when it is sent, when the error is made, when cloning is tried, and when it is sent again
    return {
      get text() {
        reads += 1;
        if (reads !== 3) throw new Error('not now');
        return text;
      },
    };
  }),
});

/** No receive: the chunk is an array. */
export const upper = operatorTask<readonly string[], string, string>({
  operator: map((text) => text.toUpperCase()),
});
