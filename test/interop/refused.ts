import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { tap } from 'rxjs';
import { exponentialBackoff, otlpHttp, spanPipeline } from '../../src/index.ts';
import type { Counts } from '../../src/ledger/stageStats.ts';
import type { ObservableSink } from '../../src/model/sink.ts';
import { otlpGrpc } from '../../src/sinks/otlpGrpc/index.ts';
import { spanWith } from '../support/spans.ts';
import {
  type Addresses,
  addressesOf,
  Collector,
  freePorts,
  type Ports,
  READY,
  REFUSING,
} from './collector/collector.ts';
import { fileOf, toFiles } from './collector/configuration.ts';
import { firstDifference } from './difference.ts';
import { receivedEntries } from './received.ts';
import type { Protocol, Refusal } from './refusals.ts';
import { sentSpans } from './sent.ts';

/** What of it does not go as it should, or `undefined`. */
export async function wrongIn(refusal: Refusal, protocol: Protocol, binary: string): Promise<string | undefined> {
  const ports = await freePorts();
  const failed = Promise.withResolvers<void>();
  const sending = refusal.isLate ? send(refusal, protocol, ports, failed.resolve) : undefined;
  if (sending !== undefined) await failed.promise;
  const { receiving } = refusal;
  const configuration = toFiles([{ ...receiving, ports }]);
  const collector = await Collector.start(binary, configuration, receiving?.isOutOfMemory ? REFUSING : READY);
  try {
    const seen = await (sending ?? send(refusal, protocol, ports));
    await collector.stop();
    return wrongWith(seen, refusal, protocol) ?? notArrived(refusal, collector);
  } finally {
    collector.remove();
  }
}

interface Seen {
  readonly delivered: number;
  readonly lost: Counts;
  readonly attempts: number;
  readonly said: string;
}

/** Sends the spans as one batch, and waits for its outcome. `onFailure` is called whenever an attempt has failed. */
async function send(refusal: Refusal, protocol: Protocol, ports: Ports, onFailure = () => {}): Promise<Seen> {
  const { isLate = false, kilobytes } = refusal;
  const sink = sinkTo(addressesOf(ports), protocol, refusal);
  const pipeline = spanPipeline({
    sink: { ...sink, export: (batch, attempt) => sink.export(batch, attempt).pipe(tap({ error: onFailure })) },
    environment: {},
    retry: {
      maxElapsedMillis: 60_000,
      maxAttempts: isLate ? Number.POSITIVE_INFINITY : 4,
      backoff: exponentialBackoff({ initialMillis: 50, maxMillis: 200 }),
    },
  });
  let said = '';
  pipeline.outcomes$.subscribe(({ error }) => {
    said = error?.message ?? said;
  });
  for (const span of spansOf(kilobytes)) pipeline.processor.onEnd(span);
  await pipeline.forceFlush({ timeoutMillis: 70_000 });
  await pipeline.shutdown();
  const { delivered, lost, attempts } = pipeline.stats();
  return { delivered, lost, attempts, said };
}

function sinkTo({ http, grpc }: Addresses, protocol: Protocol, { compression }: Refusal): ObservableSink<ReadableSpan> {
  const environment = {};
  if (protocol === 'grpc') return otlpGrpc({ environment, url: grpc });
  return otlpHttp({ environment, url: `${http}/v1/traces`, ...(compression && { compression }) });
}

function spansOf(kilobytes: readonly number[]): ReadableSpan[] {
  return kilobytes.map((size, index) => {
    const spanId = (size * 1_000 + index + 1).toString(16).padStart(16, '0');
    const context = { traceId: 'a'.repeat(32), spanId, traceFlags: 1 };
    return spanWith({ spanContext: () => context, attributes: { filling: 'x'.repeat(size * 1_000) } });
  });
}

function wrongWith(seen: Seen, { expected }: Refusal, protocol: Protocol): string | undefined {
  const { arrive, lost = {}, requests, said = {} } = expected;
  const isSaid = said[protocol]?.test(seen.said) ?? true;
  const isRequested = requests === 'one' ? seen.attempts === 1 : seen.attempts > 1;
  const isLost = JSON.stringify(seen.lost) === JSON.stringify(lost);
  const isRight = isSaid && isRequested && isLost && seen.delivered === arrive.length;
  return isRight ? undefined : JSON.stringify(seen);
}

/** What its file says. */
function notArrived({ kilobytes, expected }: Refusal, collector: Collector): string | undefined {
  const arriving = spansOf(kilobytes).filter((_, index) => expected.arrive.includes(kilobytes[index] as number));
  const lines = collector.file(fileOf('traces', 'json')).toString();
  return firstDifference(sentSpans(arriving), receivedEntries('traces', lines));
}
