/**
 * A fleet: a receiver writes spans into a topic of Kafka, by trace, and samplers in processes of their own read it, as one group. Each trace is in one partition, so each sampler sees whole traces, and two of them share the work. Their offsets are committed when their batches are settled.
 *
 *     BROKER=127.0.0.1:9092 node examples/22-fleetOverKafka.ts
 *
 * It needs a broker (`docker run -p 9092:9092 apache/kafka`), and makes a topic of its own there.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { Admin } from '@platformatic/kafka';
import { mergeMap } from 'rxjs';
import { adaptiveBatch, exportTo, otlpHttp, runPipeline, spanPipeline } from 'spanflow';
import { fromKafka, toKafka } from 'spanflow/kafka';
import { decodeTraces } from 'spanflow/otlp';
import { enrich, tailSample } from 'spanflow/processors';
import { otlpReceiver } from 'spanflow/receiver';
import { otlpBackend } from 'spanflow/testing';

const brokers = [process.env.BROKER ?? '127.0.0.1:9092'];
const PARTITIONS = 8;

/** Keeps the traces with an error. */
async function sampler(name: string, topic: string, url: string): Promise<void> {
  const input = fromKafka({
    brokers,
    topic,
    groupId: 'samplers',
    sessionTimeoutMillis: 6_000,
    rebalanceWaitMillis: 2_000,
  });
  const sampled$ = input.batches$.pipe(
    mergeMap(({ items }) => items),
    tailSample({ maxWaitMillis: 1_000, policies: [{ kind: 'errors' }] }),
    enrich({ 'sampler.name': name }),
    adaptiveBatch(),
    exportTo(otlpHttp({ url, environment: {} })),
  );
  const pipeline = runPipeline(input, sampled$);
  const told = setInterval(() => process.send?.(input.stats().partitions.length), 100);
  await once(process, 'disconnect');
  clearInterval(told);
  await pipeline.shutdown(); // decides what still waits
  await input.shutdown(); // commits, and leaves the group
}

async function fleet(): Promise<void> {
  const topic = `example-${process.pid}-${Date.now()}`;
  const admin = new Admin({ clientId: 'example', bootstrapBrokers: brokers, retries: 0 });
  try {
    await admin.createTopics({ topics: [topic], partitions: PARTITIONS, replicas: 1 });
  } catch (error) {
    console.log(`nothing to see without a broker of Kafka at ${brokers}: ${(error as Error).message}`);
    return admin.close();
  }

  const backend = await otlpBackend();
  const samplers = ['a', 'b'].map((name) => fork(import.meta.filename, [name, topic, backend.url]));
  await Promise.all(samplers.map((child) => shareOf(child, PARTITIONS / 2)));

  const receiver = otlpReceiver({ http: { port: 0 }, acknowledge: 'delivered' }); // that is: written to all replicas
  const written$ = receiver.traces$.pipe(exportTo(toKafka({ brokers, topic, partitionBy: 'trace' })));
  const gateway = runPipeline(receiver, written$);
  const { http } = await receiver.listen();
  await sendOrders(`${http?.url}/v1/traces`);
  while (backend.spans < 80) await setTimeout(50); // 20 of the 200 orders have an error, and four spans each

  for (const child of samplers) child.disconnect();
  await Promise.all(samplers.map((child) => once(child, 'exit')));
  await gateway.shutdown();
  await admin.deleteTopics({ topics: [topic] });
  await Promise.all([admin.close(), backend.close()]);

  const spans = backend.requests.flatMap(({ body }) => decodeTraces(body));
  const byTrace = Map.groupBy(spans, (span) => span.spanContext().traceId);
  const samplersOf = [...byTrace.values()].map(
    (all) => new Set(all.map(({ attributes }) => attributes['sampler.name'])),
  );
  const isWhole =
    [...byTrace.values()].every(({ length }) => length === 4) && samplersOf.every(({ size }) => size === 1);
  const names = new Set(samplersOf.flatMap((all) => [...all]));
  console.log(
    `${byTrace.size} of 200 traces were kept, ${isWhole ? 'each whole, by one sampler' : 'and some were torn'}`,
  );
  console.log(`samplers that have kept some: ${[...names].toSorted().join(', ')}`);
  process.exitCode = byTrace.size === 20 && isWhole && names.size === 2 ? 0 : 1;
}

/** 200 orders of four spans, of which every tenth fails in one of them. */
async function sendOrders(url: string): Promise<void> {
  const sender = spanPipeline({ sink: otlpHttp({ url, environment: {} }), environment: {} });
  const tracer = new TracerProvider({ spanProcessors: [sender.processor] }).getTracer('shop');
  for (let order = 0; order < 200; order += 1) {
    const root = tracer.startSpan('order');
    const within = trace.setSpan(ROOT_CONTEXT, root);
    for (const step of ['check', 'pay', 'ship']) {
      const span = tracer.startSpan(step, {}, within);
      if (step === 'pay' && order % 10 === 0) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    }
    root.end();
  }
  await sender.shutdown();
}

/** Resolves when a sampler reads so many partitions. */
async function shareOf(child: ReturnType<typeof fork>, count: number): Promise<void> {
  for (let share = 0; share !== count; ) [share] = (await once(child, 'message')) as [number];
}

const [, , name, topic, url] = process.argv;
if (name === undefined) await fleet();
else await sampler(name, topic ?? '', url ?? '');
