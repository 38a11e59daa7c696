/**
 * A fleet: a receiver writes spans into a topic of Kafka, by trace, and samplers in processes of their own read it, as one group. Each trace is in one partition, so each sampler sees whole traces, and two of them share the work. Their offsets are committed when their batches are settled.
 *
 *     docker run --name kafka -d -p 9092:9092 apache/kafka
 *     docker exec kafka /opt/kafka/bin/kafka-topics.sh --bootstrap-server localhost:9092 --create --topic example --partitions 8
 *     BROKER=127.0.0.1:9092 node examples/22-fleetOverKafka.ts
 *
 * It needs the package `@platformatic/kafka`. The second run wants another topic: TOPIC names it.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { mergeMap } from 'rxjs';
import { adaptiveBatch, exportTo, otlpHttp, runPipeline, spanPipeline } from 'spanflow';
import { fromKafka, toKafka } from 'spanflow/kafka';
import { decodeTraces } from 'spanflow/otlp';
import { enrich, tailSample } from 'spanflow/processors';
import { otlpReceiver } from 'spanflow/receiver';
import { otlpBackend } from 'spanflow/testing';

const { BROKER, TOPIC: topic = 'example' } = process.env;
const brokers = [BROKER ?? ''];

/** Keeps the traces with an error. */
async function sampler(name: string, url: string): Promise<void> {
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
  const backend = await otlpBackend();
  const samplers = ['a', 'b'].map((name) => fork(import.meta.filename, [name, backend.url]));
  await allHaveAShare(samplers);

  const receiver = otlpReceiver({ http: { port: 0 }, acknowledge: 'delivered' }); // that is: written to all replicas
  const written$ = receiver.traces$.pipe(exportTo(toKafka({ brokers, topic, partitionBy: 'trace' })));
  const gateway = runPipeline(receiver, written$);
  const { http } = await receiver.listen();
  await sendOrders(`${http?.url}/v1/traces`);
  while (backend.spans < 80) await setTimeout(50); // 20 of the 200 orders have an error, and four spans each

  for (const child of samplers) child.disconnect();
  await Promise.all(samplers.map((child) => once(child, 'exit')));
  await gateway.shutdown();
  await backend.close();

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

/** Resolves when each sampler reads some of the partitions. */
function allHaveAShare(samplers: readonly ReturnType<typeof fork>[]): Promise<void> {
  const shares = samplers.map(() => 0);
  return new Promise((resolve) => {
    for (const [index, child] of samplers.entries())
      child.on('message', (share: number) => {
        shares[index] = share;
        if (shares.every((count) => count > 0)) resolve();
      });
  });
}

const [, , name, url] = process.argv;
if (BROKER === undefined) console.log('BROKER has to name a broker of Kafka: see the head of this file');
else if (name === undefined) await fleet();
else await sampler(name, url ?? '');
