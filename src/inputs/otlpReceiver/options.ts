import type { SchedulerLike } from 'rxjs';
import { aGate, type Gate } from '../../flow/gate.ts';
import { aMemoryBudget, type MemoryBudget } from '../../flow/memory.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import {
  aScheduler,
  aString,
  limit,
  millis,
  must,
  oneOf,
  optional,
  type Rule,
  type Rules,
  record,
  settingsOf,
  whole,
} from '../../internal/validation.ts';
import { aLedger, type Ledger } from '../../ledger/ledger.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import type { Loss } from '../../model/tally.ts';
import type { DecodeOptions } from '../../otlp/protobuf/decodeLimits.ts';
import { aServerTls, type ServerTlsOptions } from './serverTls.ts';

const MIB = 1024 * 1024;

/** Where one of the servers listens. */
export interface ListenOptions {
  /** The address or the name to listen on. Default `127.0.0.1`: only programs on this machine reach it. `0.0.0.0` or `::` is every network of the machine: then give `tls` and `bearerTokens`, too. */
  host?: string;
  /** The server's certificate and key, and whose clients it trusts. Default: no TLS. */
  tls?: ServerTlsOptions;
  /** Connections at a time, at most: 1 or more, default 1,024. One more is closed at once. */
  maxConnections?: number;
  /** Requests of this server without an answer, at most: 1 or more, default 8,192, which are some 50 MiB of heap. One connection may have as many as are free, so that it cannot take the places of all. One more is refused with 429. With `acknowledge: 'delivered'` it bounds how many senders wait at a time. */
  maxOpenRequests?: number;
}

/** The server for OTLP/HTTP. */
export interface HttpReceiverOptions extends ListenOptions {
  /** The port: 0 to 65535, 0 for any free one (`address` tells which). Default 4,318, that of OTLP/HTTP. */
  port?: number;
  /** The pages of which sites may send, from a browser. Default: none. */
  cors?: {
    /** Origins, such as `https://shop.example` (without a path), or `*` for all. */
    readonly allowedOrigins: readonly string[];
  };
  /** How long the head of a request may take, in milliseconds: 1 or more, default 10,000. Then the connection is closed, with 408. */
  headersTimeoutMillis?: number;
  /** How long a whole request may take to arrive, in milliseconds: `headersTimeoutMillis` or more, default 60,000. Then the connection is closed, with 408. */
  requestTimeoutMillis?: number;
  /** From its fifth second on, a body that has come more slowly on the whole is refused with 408: 0 or more bytes a second, default 1,024. 0: no body is. */
  minBytesPerSecond?: number;
}

/** The server for OTLP/gRPC. */
export interface GrpcReceiverOptions extends ListenOptions {
  /** The port: 0 to 65535, 0 for any free one (`address` tells which). Default 4,317, that of OTLP/gRPC. */
  port?: number;
}

/** The options of {@link otlpReceiver}. */
export interface OtlpReceiverOptions {
  /** Opens the server for OTLP/HTTP. Default: it is opened, with its defaults, unless `grpc` is given. */
  http?: HttpReceiverOptions;
  /** Opens the server for OTLP/gRPC, which needs the package `@grpc/grpc-js`. Default: it is not opened. */
  grpc?: GrpcReceiverOptions;
  /**
   * When a request is answered. `accepted` (the default): when it is in the queue, which is bounded; what is lost behind it is in the books, and the sender does not learn of it · `delivered`: when each holder of its batch has settled it; the answer is what became of it, and the sender sends again what may not have
   * arrived. With a sink that stores, that is when it is stored. A batch that nobody holds is answered at once in both.
   */
  acknowledge?: 'accepted' | 'delivered';
  /** Bytes of one request, at most, as it comes and when it is decompressed: 1 or more, default 64 MiB, as the specification recommends. A larger one is refused for good (413, RESOURCE_EXHAUSTED), as soon as it is known to be. */
  maxRequestBytes?: number;
  /** Bytes of the bodies that are being received on one connection, at most: `maxRequestBytes` or more, default 64 MiB. What exceeds it is refused with 429. */
  maxConnectionBytes?: number;
  /** Bytes of all bodies that are being received or decoded, at most: `maxRequestBytes` or more, default 256 MiB. What exceeds it is refused with 429. */
  maxBytesInFlight?: number;
  /** Limits of what one request becomes: a few bytes can be many items. More is refused for good (413). Default: those of the decoders. */
  decode?: DecodeOptions;
  /** Items of one signal that wait in the queue or are out without an outcome, at most: 1 or more, default 131,072. A request that finds no room is refused with 429. What a holder keeps within bounds of its own ({@link rebatch} does) does not count. */
  maxQueueSize?: number;
  /** The same in bytes of their requests: 1 or more, default 64 MiB. */
  maxQueueBytes?: number;
  /** After how long senders are asked to try again, in milliseconds: 0 or more, default 1,000. HTTP has whole seconds, rounded up. A backend that asked for more is passed on. */
  retryAfterMillis?: number;
  /** With `delivered`: a request without an outcome is answered with 503 after this long, in milliseconds: 1 or more, default 30,000. What it holds goes on: it may arrive nevertheless, and once more. */
  answerTimeoutMillis?: number;
  /** A batch that is not settled within this many milliseconds after it has been emitted is ended, and gives its room back: 1 or more, default 600,000. Its wait in the queue does not count. It has to be longer than the longest export with all its retries. */
  holdLeaseMillis?: number;
  /** How long `shutdown` waits for outcomes and answers, in milliseconds: 1 or more, default 10,000. */
  shutdownTimeoutMillis?: number;
  /** Senders have to bear one of these (`Authorization: Bearer …`): each at least 16 characters long. They are compared in constant time. Default: whoever can connect may send. */
  bearerTokens?: readonly string[];
  /** While it is closed, requests wait in the queue, and when that is full are refused with 429. Give the same one to `adaptiveBatch({ gate })`. Default: one that stays open. */
  gate?: Gate;
  /** What the memory of the items that wait or are out comes out of. Default: that of the process, see {@link memoryBudget}. Where it is used up, that is a full queue. */
  memory?: MemoryBudget;
  /** What its stages are called in losses and statistics, in front of the signal. Default `otlpReceiver`: `otlpReceiver(traces)`. */
  name?: string;
  /** Called for what was refused when it was read already (`queueFull`, `tooLarge`), and for what the receiver itself loses (`shutdown`, `leaseExpired`). */
  onLoss?: (loss: Loss) => void;
  /** Called when `onLoss`, the gate or a subscriber throws. Default: these are only counted, in the ledger. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what becomes of it. Default: that of the run ({@link runPipeline}), or else one of its own for each signal, which is not shown anywhere. */
  ledger?: Ledger;
  /** Where time comes from. The timeouts of heads and requests are those of Node's server, in real time. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

type Optional = 'http' | 'grpc' | 'bearerTokens' | 'gate' | 'memory' | 'name' | 'onLoss' | 'onCallbackError' | 'ledger';

type ListenDefaults = 'host' | 'port' | 'maxConnections' | 'maxOpenRequests';

/** Every option with its value. */
export type HttpSettings = Required<Omit<HttpReceiverOptions, 'tls' | 'cors'>> &
  Pick<HttpReceiverOptions, 'tls' | 'cors'>;
export type GrpcSettings = Required<Pick<GrpcReceiverOptions, ListenDefaults>> & Pick<GrpcReceiverOptions, 'tls'>;
export type ReceiverSettings = Required<Omit<OtlpReceiverOptions, Optional>> &
  Omit<{ readonly [K in Optional]: OtlpReceiverOptions[K] | undefined }, 'http' | 'grpc'> & {
    readonly http: HttpSettings | undefined;
    readonly grpc: GrpcSettings | undefined;
  };

const LISTEN_DEFAULTS = { host: '127.0.0.1', maxConnections: 1_024, maxOpenRequests: 8_192 };

export const HTTP_RECEIVER_DEFAULTS: Readonly<HttpSettings> = Object.freeze({
  ...LISTEN_DEFAULTS,
  port: 4_318,
  headersTimeoutMillis: 10_000,
  requestTimeoutMillis: 60_000,
  minBytesPerSecond: 1_024,
});

export const GRPC_RECEIVER_DEFAULTS: Readonly<GrpcSettings> = Object.freeze({ ...LISTEN_DEFAULTS, port: 4_317 });

export const OTLP_RECEIVER_DEFAULTS: Readonly<ReceiverSettings> = Object.freeze({
  http: undefined,
  grpc: undefined,
  acknowledge: 'accepted',
  maxRequestBytes: 64 * MIB,
  maxConnectionBytes: 64 * MIB,
  maxBytesInFlight: 256 * MIB,
  decode: Object.freeze({}),
  maxQueueSize: 131_072,
  maxQueueBytes: 64 * MIB,
  retryAfterMillis: 1_000,
  answerTimeoutMillis: 30_000,
  holdLeaseMillis: 600_000,
  shutdownTimeoutMillis: 10_000,
  bearerTokens: undefined,
  gate: undefined,
  memory: undefined,
  name: undefined,
  onLoss: undefined,
  onCallbackError: undefined,
  ledger: undefined,
  scheduler: monotonicScheduler,
});

export const OWNER = 'otlpReceiver';

const LISTEN_RULES = {
  host: aString,
  port: whole(0, 65_535),
  tls: optional(aServerTls),
  maxConnections: whole(1),
  maxOpenRequests: whole(1),
};

const isOrigin = (value: unknown) => {
  if (value === '*') return true;
  return typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value;
};

const theseOrigins = must(
  "origins such as 'https://shop.example', or '*'",
  (value) => Array.isArray(value) && value.length > 0 && value.every(isOrigin),
);

const HTTP_RULES: Rules<HttpSettings> = {
  ...LISTEN_RULES,
  cors: optional(record({ allowedOrigins: theseOrigins })),
  headersTimeoutMillis: millis(1),
  requestTimeoutMillis: millis('headersTimeoutMillis'),
  minBytesPerSecond: whole(0),
};

/** The tokens are secrets: of what was given, an error has the type only. A single token without an array around it is a common slip in YAML. */
const theseTokens: Rule = (value, option, call) => {
  const isToken = (token: unknown) => typeof token === 'string' && /^\S{16,}$/.test(token);
  const rule = 'an array of one or more tokens of 16 characters or more, without spaces';
  if (!Array.isArray(value)) call.add(option, rule, typeof value);
  else if (value.length === 0) call.add(option, rule, []);
  else if (!value.every(isToken)) call.add(option, rule, `${value.length} of which one is no such token`);
};

const RECEIVER_RULES: Rules<ReceiverSettings> = {
  ...STAGE_RULES,
  ledger: optional(aLedger),
  http: optional(must('an object', (value) => typeof value === 'object' && value !== null)),
  grpc: optional(must('an object', (value) => typeof value === 'object' && value !== null)),
  acknowledge: oneOf('accepted', 'delivered'),
  maxRequestBytes: whole(1),
  maxConnectionBytes: whole('maxRequestBytes'),
  maxBytesInFlight: whole('maxRequestBytes'),
  decode: record({ maxItems: limit(1), maxDecodedBytes: limit(1) }),
  maxQueueSize: whole(1),
  maxQueueBytes: whole(1),
  retryAfterMillis: millis(0),
  answerTimeoutMillis: millis(1, 'orInfinity'),
  holdLeaseMillis: millis(1),
  shutdownTimeoutMillis: millis(1, 'orInfinity'),
  bearerTokens: optional(theseTokens),
  gate: optional(aGate),
  memory: optional(aMemoryBudget),
  scheduler: aScheduler,
};

/** Of `forceFlush` and `shutdown`. */
export const TIMEOUT_RULES = { timeoutMillis: millis(0, 'orInfinity') };

export function receiverSettings(options: OtlpReceiverOptions): ReceiverSettings {
  const { maxRequestBytes = OTLP_RECEIVER_DEFAULTS.maxRequestBytes } = options ?? {};
  const atLeast = (bytes: number) => Math.max(bytes, Number.isSafeInteger(maxRequestBytes) ? maxRequestBytes : 0);
  const defaults = {
    ...OTLP_RECEIVER_DEFAULTS,
    maxConnectionBytes: atLeast(OTLP_RECEIVER_DEFAULTS.maxConnectionBytes),
    maxBytesInFlight: atLeast(OTLP_RECEIVER_DEFAULTS.maxBytesInFlight),
  };
  const settings = settingsOf<ReceiverSettings>(OWNER, defaults, RECEIVER_RULES, options);
  const { http, grpc } = options;
  return {
    ...settings,
    http: http === undefined && grpc !== undefined ? undefined : httpSettings(http ?? {}),
    grpc: grpc === undefined ? undefined : settingsOf(`${OWNER}.grpc`, GRPC_RECEIVER_DEFAULTS, LISTEN_RULES, grpc),
  };
}

function httpSettings(options: HttpReceiverOptions): HttpSettings {
  return settingsOf<HttpSettings>(`${OWNER}.http`, HTTP_RECEIVER_DEFAULTS, HTTP_RULES, options);
}
