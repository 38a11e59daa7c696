import { codes, partialSuccess, permanentFailure, responseLimit, statuses } from './checks/answers.ts';
import { concurrency, keepAlive } from './checks/connections.ts';
import { processorContract, severalDestinations, shutdownChoice, undelivered } from './checks/endings.ts';
import {
  contentHeaders,
  emptyEnvelopes,
  endpoints,
  http11,
  limitOptions,
  requestLimit,
  userAgent,
} from './checks/requests.ts';
import { backoff, brokenConnections, lostAcknowledgement, retryAfter, throttledTogether } from './checks/retries.ts';
import { timeouts } from './checks/timeouts.ts';
import type { Encoding, Protocol } from './subjects/subject.ts';
import type { Workbench } from './workbench.ts';

/** One rule for clients, of OTLP 1.11 and of OpenTelemetry's specification 1.60. */
export interface Rule {
  readonly id: string;
  /** What it asks for, in our words. */
  readonly says: string;
  /** What is done to see it. */
  readonly exercised: string;
  /** Left out: both. */
  readonly protocols?: readonly Protocol[];
  /** Over HTTP. Left out: both, because it may make a difference. */
  readonly encodings?: readonly Encoding[];
  readonly check: (bench: Workbench) => Promise<void>;
  /** Where time cannot be given, the check waits for it and takes hardly any of the processor. */
  readonly waits?: boolean;
  /** Where ours does something else, on purpose, and why. The test demands that it does: so no reason outlives its cause. */
  readonly oursDiffers?: Partial<Readonly<Record<Protocol, string>>>;
}

/** Beside `protocols`: why a rule has nothing to show there. */
export const EXEMPTIONS: Readonly<Record<string, string>> = Object.freeze({
  'C5 over gRPC': 'It is about statuses of HTTP; C6 is its counterpart.',
  'C6 over HTTP': 'It is about codes of gRPC; C5 is its counterpart.',
  'C18 over gRPC': 'gRPC has no HTTP/1.1 to fall back to.',
});

const EACH_SIGNAL = 'each signal (official gRPC and JSON: traces)';

export const RULES: readonly Rule[] = [
  {
    id: 'C1',
    says: 'A request names its content type and, if it is compressed, its content encoding.',
    exercised: `One export plain and one with gzip, ${EACH_SIGNAL}; the server reads the body by its headers.`,
    check: contentHeaders,
  },
  {
    id: 'C2',
    says: 'A request over the limit (64 MiB before compression) is not sent, and recorded as discarded.',
    exercised:
      'Five spans of 13 MiB with the default limit. Where there is an option: ten spans that do not fit together arrive in several requests, each below it before gzip; one that does not fit by itself is counted.',
    encodings: ['protobuf'],
    check: requestLimit,
  },
  {
    id: 'C3',
    says: 'A response over the limit (4 MiB, decompressed) is a failure that is not retried.',
    exercised:
      'A success and (HTTP) a 503 of 4 MiB and a byte; a success that inflates to that, for clients that decompress.',
    encodings: ['protobuf'],
    check: responseLimit,
  },
  {
    id: 'C4',
    says: 'After a partial success nothing is sent again; what was rejected is counted as failed.',
    exercised: `Three items, two of them rejected, ${EACH_SIGNAL}; the client's own counters.`,
    check: partialSuccess,
  },
  {
    id: 'C5',
    says: '429, 502, 503 and 504 are retried, and no other status from 400 to 599.',
    exercised: 'All 200 statuses, one batch each.',
    protocols: ['http'],
    encodings: ['protobuf'],
    check: statuses,
  },
  {
    id: 'C6',
    says: 'CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE and DATA_LOSS are retried, RESOURCE_EXHAUSTED only with a RetryInfo, and no other code.',
    exercised: 'All 16 codes, one batch each, and RESOURCE_EXHAUSTED with a RetryInfo as well.',
    protocols: ['grpc'],
    check: codes,
  },
  {
    id: 'C7',
    says: 'What fails for good is dropped and counted, and does not hold back what comes after it.',
    exercised: 'A batch that is answered with 400 or INVALID_ARGUMENT, and one after it; the client’s own counters.',
    check: permanentFailure,
  },
  {
    id: 'C8',
    says: 'Retry-After (seconds, date) or RetryInfo is waited for; without one there is a backoff.',
    exercised:
      'A refusal with each of the two forms (gRPC: with a RetryInfo), and with a Retry-After that says nothing, three times.',
    check: retryAfter,
    waits: true,
  },
  {
    id: 'C9',
    says: 'A client that is told to come back later holds back everything that it sends there.',
    exercised: 'While one batch waits as it was told, another one is exported.',
    check: throttledTogether,
    waits: true,
  },
  {
    id: 'C10',
    says: 'A request without an answer, and a connection that is refused, are tried again after a wait with jitter.',
    exercised:
      'Eight clients whose connection breaks after the request; one that meets a closed port, which opens before its second attempt.',
    check: brokenConnections,
    waits: true,
  },
  {
    id: 'C11',
    says: 'What fails for the time being is tried again after waits that grow exponentially and have jitter.',
    exercised: 'Sixteen clients that are refused three times; one that is told Retry-After: 0 three times.',
    check: backoff,
    waits: true,
  },
  {
    id: 'C12',
    says: 'The connection is kept alive between requests.',
    exercised: 'Four exports, one after the other, one of them refused for good.',
    check: keepAlive,
  },
  {
    id: 'C13',
    says: 'Several requests are in flight at a time, as many as an option says.',
    exercised: 'Four exports at once while nothing is answered, by default and with a limit of two.',
    check: concurrency,
  },
  {
    id: 'C14',
    says: 'A shutdown waits for what is in flight, or does not, as the program says.',
    exercised: 'A shutdown while an answer is held back; one that is told not to wait, with a server that is silent.',
    check: shutdownChoice,
  },
  {
    id: 'C15',
    says: 'What is not delivered is counted.',
    exercised:
      '2,000 spans for a processor with a queue of four, while nothing is answered, and one after its shutdown; three exports with a limit of one, which are refused. What arrived and what the client counts as failed add up.',
    check: undelivered,
  },
  {
    id: 'C16',
    says: 'Each of several destinations has its own queue, answers and retries.',
    exercised: 'Two destinations, one of which answers only when the other one has everything.',
    check: severalDestinations,
  },
  {
    id: 'C17',
    says: 'No request, resource or scope is sent that has nothing in it.',
    exercised:
      'A flush of a processor, and the shutdown of a metric reader, that have nothing; an export of no items; items of several resources and scopes.',
    check: emptyEnvelopes,
  },
  {
    id: 'C18',
    says: 'A client of HTTP/2 can do with HTTP/1.1.',
    exercised: 'A server that speaks nothing else.',
    protocols: ['http'],
    check: http11,
  },
  {
    id: 'C19',
    says: 'A request whose answer was lost is sent again as it was; answers of later versions are understood.',
    exercised: 'A connection that breaks after the request; then a success with fields that nobody knows.',
    check: lostAcknowledgement,
    waits: true,
  },
  {
    id: 'C20',
    says: 'The endpoint of a signal is used as it is (an empty path is /), and v1/traces, v1/metrics or v1/logs is added to the base endpoint.',
    exercised: `The environment variables, ${EACH_SIGNAL}.`,
    check: endpoints,
  },
  {
    id: 'C21',
    says: 'The User-Agent is OTel-OTLP-Exporter-<language>/<version>, behind a product of one’s own.',
    exercised: `A product that was given by option, ${EACH_SIGNAL}.`,
    check: userAgent,
  },
  {
    id: 'C22',
    says: 'The limits of requests (default 64 MiB) and of responses (default 4 MiB) are options.',
    exercised: 'A request of 5 MiB and an answer just below 4 MiB by default; both options, from either side.',
    encodings: ['protobuf'],
    check: limitOptions,
    oursDiffers: {
      grpc: 'by default 4 MiB less 16 KiB, because servers of gRPC refuse more than 4 MiB; the option takes 64 MiB',
    },
  },
  {
    id: 'C23',
    says: 'A processor calls Export one call at a time; its flush covers all that came before and flushes the exporter; its shutdown flushes and happens once; then Export fails.',
    exercised:
      'The processor in front of the official exporter, watched; a flush while an export is in flight; two shutdowns; an export after the shutdown.',
    check: processorContract,
  },
  {
    id: 'C24',
    says: 'The timeout bounds each export, retries included, whatever the server does.',
    exercised:
      'An answer that comes a byte at a time; a refusal, and then silence. The limit of a whole export is maxElapsedMillis with ours and timeoutMillis with the official ones.',
    check: timeouts,
    waits: true,
  },
];
