import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { exponentialBackoff, otlpHttp, type Sink, spanPipeline } from '../../src/index.ts';
import type { Counts } from '../../src/ledger/stageStats.ts';
import { otlpGrpc } from '../../src/sinks/otlpGrpc/index.ts';
import { spanWith } from '../support/spans.ts';
import { type Addresses, addressesOf, Collector, freePorts, type Ports } from './collector/collector.ts';
import { fileOf, type Receiving, toFiles } from './collector/configuration.ts';
import { firstDifference } from './difference.ts';
import { receivedEntries } from './received.ts';
import { sentSpans } from './sent.ts';

export type Protocol = 'http' | 'grpc';

/** What a Collector refuses, and what has to become of it. */
export interface Refusal {
  readonly says: string;
  readonly protocols: readonly Protocol[];
  /** How the Collector is set up. */
  readonly receiving?: Omit<Receiving, 'ports'>;
  readonly compression?: 'zstd';
  /** The Collector is not there at first, and then is. */
  readonly isLate?: boolean;
  /** How many kilobytes each span has. */
  readonly kilobytes: readonly number[];
  readonly expected: Expected;
}

interface Expected {
  /** How many kilobytes the spans have that arrive. */
  readonly arrive: readonly number[];
  readonly lost?: Counts;
  readonly requests: 'one' | 'several';
  /** What the last failure says, by protocol, if something is lost. */
  readonly said?: Readonly<Partial<Record<Protocol, RegExp>>>;
}

export const BOTH: readonly Protocol[] = ['http', 'grpc'];
const SMALL = [1, 1, 1];
const SEVERAL_LARGE = Array.from({ length: 16 }, () => 100);
/** A megabyte over either protocol. */
const ONE_MEGABYTE = { http: { max_request_body_size: 1024 * 1024 }, grpc: { max_recv_msg_size_mib: 1 } };

export const REFUSALS: readonly Refusal[] = [
  {
    says: 'a batch over its limit: sent in parts',
    protocols: BOTH,
    receiving: ONE_MEGABYTE,
    kilobytes: SEVERAL_LARGE,
    expected: { arrive: SEVERAL_LARGE, requests: 'several' },
  },
  {
    says: 'a span over its limit: lost alone',
    protocols: BOTH,
    receiving: ONE_MEGABYTE,
    kilobytes: [1, 2_000, 2],
    expected: {
      ...{ arrive: [1, 2], lost: { tooLarge: 1 }, requests: 'several' },
      said: { http: /400.*request body too large/, grpc: /larger than max/ },
    },
  },
  {
    says: 'a signal that it does not take: lost at once',
    protocols: BOTH,
    receiving: { signals: ['logs'] },
    kilobytes: SMALL,
    expected: {
      ...{ arrive: [], lost: { permanent: SMALL.length }, requests: 'one' },
      said: { http: /404/, grpc: /UNIMPLEMENTED/ },
    },
  },
  {
    says: 'everything, for want of memory: tried as often as the limit allows',
    protocols: BOTH,
    receiving: { isOutOfMemory: true },
    kilobytes: SMALL,
    expected: {
      ...{ arrive: [], lost: { retriesExhausted: SMALL.length }, requests: 'several' },
      said: { http: /503/, grpc: /UNAVAILABLE/ },
    },
  },
  {
    says: 'zstd: sent in gzip',
    protocols: ['http'],
    receiving: { http: { compression_algorithms: ['', 'gzip'] } },
    compression: 'zstd',
    kilobytes: SMALL,
    expected: { arrive: SMALL, requests: 'several' },
  },
  {
    says: 'connections, until it is started: tried until then',
    protocols: BOTH,
    isLate: true,
    kilobytes: SMALL,
    expected: { arrive: SMALL, requests: 'several' },
  },
];

/** What of it does not go as it should, or `undefined`. */
export async function wrongIn(refusal: Refusal, protocol: Protocol, binary: string): Promise<string | undefined> {
  const ports = await freePorts();
  const sending = refusal.isLate ? send(refusal, protocol, ports) : undefined;
  const configuration = toFiles([{ ...refusal.receiving, ports }]);
  const collector = await Collector.start(binary, Object.values(ports), configuration);
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

/** Sends the spans as one batch, and waits for its outcome. */
async function send(refusal: Refusal, protocol: Protocol, ports: Ports): Promise<Seen> {
  const { isLate = false, kilobytes } = refusal;
  const pipeline = spanPipeline({
    sink: sinkTo(addressesOf(ports), protocol, refusal),
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

function sinkTo({ http, grpc }: Addresses, protocol: Protocol, { compression }: Refusal): Sink<ReadableSpan> {
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
