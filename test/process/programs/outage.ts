import { setImmediate } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  exponentialBackoff,
  exportHandle,
  memoryBudget,
  otlpHttp,
  type Stats,
  spanPipeline,
  toMemory,
} from '../../../src/index.ts';
import { input, report, tracerOf } from './kit.ts';

/** Spans that end during an outage, in a process with little heap; and what becomes of them when it is over. */
export interface OutageInput {
  readonly url: string;
  readonly spans: number;
  /** Spans that end in one turn of the event loop. */
  readonly slice: number;
  readonly attributes: number;
  readonly characters: number;
  readonly cut?: boolean;
  /** Pipelines that have the spans, each all of them. */
  readonly pipelines?: number;
  readonly overflow?: 'dropNewest' | 'dropOldest';
  /** `handle`: spans are exported by calls that wait for room, too. */
  readonly way?: 'pipeline' | 'handle';
  /** Beside them, a pipeline whose backend is well. */
  readonly healthy?: boolean;
  /** Instead of the budget of the process. */
  readonly maxBytes?: number;
}

const given = input<OutageInput>();
const { url, spans, slice, attributes, characters, pipelines = 1, overflow = 'dropNewest' } = given;
// Shorter waits than by default, so that the end of the outage is noticed soon. What is kept is the same.
const retry = { backoff: exponentialBackoff({ maxMillis: 2_000 }) };
const memory = given.maxBytes === undefined ? {} : { memory: memoryBudget({ maxBytes: given.maxBytes }) };

let serial = 0;
/** A new text. Cut out of a longer one, as programs often make them, it keeps that one in memory. */
function text(): string {
  const short = `${serial++}-`;
  if (given.cut) return short.repeat(characters / 2).slice(0, characters);
  return Buffer.from(short.padEnd(characters, 'x')).toString('latin1');
}

function endOne(tracer: ReturnType<typeof tracerOf>): void {
  const span = tracer.startSpan('GET /cart');
  for (let at = 0; at < attributes; at += 1) span.setAttribute(`key.${at}`, text());
  span.end();
}

function facts({ offered, accepted, refused, delivered, lost, pending, memoryBytes }: Stats) {
  return { offered, accepted, refused, delivered, lost, pending, memoryBytes };
}

async function byPipelines(): Promise<void> {
  const made = Array.from({ length: pipelines }, () =>
    spanPipeline({ sink: otlpHttp({ url }), overflow, retry, ...memory }),
  );
  const tracers = made.map(({ processor }) => tracerOf(processor));
  const well = given.healthy ? spanPipeline({ sink: toMemory(), scheduledDelayMillis: 0, ...memory }) : undefined;
  const wellTracer = well && tracerOf(well.processor);
  for (let ended = 0; ended < spans; ended += slice) {
    for (const tracer of tracers) for (let at = 0; at < slice; at += 1) endOne(tracer);
    if (wellTracer) endOne(wellTracer);
    await setImmediate();
    // What is out comes back before the next: as little as a healthy backend may expect.
    if (wellTracer) await well?.forceFlush();
  }
  // What ended in one turn is taken in over several.
  while (made.some((pipeline) => pipeline.stats().stages.fromSpanProcessor?.pending !== 0)) await setImmediate();
  if (well) report('well', facts(well.stats()));
  for (const pipeline of made) report('outage', facts(pipeline.stats()));
  report('over', { limitMiB: getHeapStatistics().heap_size_limit / 2 ** 20 });
  await Promise.all(made.map((pipeline) => pipeline.forceFlush({ timeoutMillis: 60_000 })));
  for (const pipeline of made) report('delivered', facts(pipeline.stats()));
  await Promise.all(made.map((pipeline) => pipeline.shutdown()));
  await well?.shutdown();
}

/** Calls that do not wait for each other's answers, as of many requests that a server has to answer. */
async function byHandle(): Promise<void> {
  const handle = exportHandle(otlpHttp({ url }), { retry, ...memory });
  const kept: ReadableSpan[] = [];
  const processor = {
    onStart() {},
    onEnd: (span: ReadableSpan) => kept.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const tracer = tracerOf(processor as never);
  const answers = [];
  for (let ended = 0; ended < spans; ended += slice) {
    for (let at = 0; at < slice; at += 1) endOne(tracer);
    // Who waits keeps its items: so only a few calls do, as in a server that bounds them.
    if (answers.length < 200) answers.push(handle.export(kept.splice(0)));
    else kept.length = 0;
    await setImmediate();
  }
  report('outage', facts(handle.stats()));
  report('over');
  const delivered = (await Promise.all(answers)).reduce((sum, answer) => sum + answer.delivered, 0);
  report('delivered', { ...facts(handle.stats()), answered: delivered });
  await handle.shutdown();
}

await (given.way === 'handle' ? byHandle() : byPipelines());
report('end');
