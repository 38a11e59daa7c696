import type { Counts } from '../../src/ledger/stageStats.ts';
import type { Receiving } from './collector/configuration.ts';

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
