import { retryInfo } from '../../support/grpcExports.ts';
import { type RawRequest, rawAnswer } from '../../support/httpServer.ts';
import { says } from '../backends/overGrpc.ts';
import { answers, OK, overHttp } from '../backends/overHttp.ts';
import type { Fault, Row } from '../row.ts';

const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;
/** An hour. What is asked for is kept up to `maxRetryAfterMillis`. */
const SECONDS = 3_600;

/** Everything is refused, and nothing is kept. */
export const REFUSALS: readonly Row[] = [
  {
    name: 'a storm of 429, or RESOURCE_EXHAUSTED, that does not say when to come back',
    // OTLP: without RetryInfo it must not be sent again.
    ends: { http: ['retriesExhausted'], grpc: ['permanent'] },
    http: answers(429),
    grpc: says(RESOURCE_EXHAUSTED),
  },
  {
    name: 'a storm of 429, or RESOURCE_EXHAUSTED, that says: in an hour',
    ends: ['retriesExhausted'],
    http: answers(429, { 'retry-after': String(SECONDS) }),
    grpc: says(RESOURCE_EXHAUSTED, retryInfo(RESOURCE_EXHAUSTED, SECONDS)),
  },
  {
    name: 'a storm of 503, or UNAVAILABLE',
    ends: ['retriesExhausted'],
    http: answers(503),
    grpc: says(UNAVAILABLE),
  },
  {
    name: 'a storm of 503, or UNAVAILABLE, that says: in an hour (over HTTP as a date)',
    ends: ['retriesExhausted'],
    http: answers(503, { 'retry-after': new Date(Date.now() + SECONDS * 1_000).toUTCString() }),
    grpc: says(UNAVAILABLE, retryInfo(UNAVAILABLE, SECONDS)),
  },
  {
    name: 'redirects (301, 302, 303, 307 and 308 in turn)',
    ends: ['permanent'],
    http: redirects([301, 302, 303, 307, 308]),
    grpc: 'gRPC has no redirects',
  },
];

/** To a backend that would take everything. */
function redirects(statuses: readonly number[]): Fault {
  return async (store) => {
    const { url } = await overHttp({ keeps: true, whole: ({ socket }) => void socket.write(OK) })(store);
    const location = `${url}/v1/traces`;
    let asked = 0;
    const whole = ({ socket }: RawRequest) => {
      const status = statuses[asked++ % statuses.length] as number;
      socket.write(rawAnswer(status, { 'content-length': 0, location }, ''));
    };
    return overHttp({ whole })(store);
  };
}
