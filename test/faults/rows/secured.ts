import { authority } from '../../support/httpCertificates.ts';
import { speakingTls } from '../backends/speakingTls.ts';
import type { Protocol, Row } from '../row.ts';

const OURS = authority('spanflow faults');
const RIGHT = OURS.issue('backend', ['127.0.0.1']);
const both = (sick: Parameters<typeof speakingTls>[1], well: Parameters<typeof speakingTls>[2]) => {
  const of = (protocol: Protocol) => speakingTls(protocol, sick, well, OURS.cert);
  return { http: of('http'), grpc: of('grpc') };
};

/** Client and backend do not agree about TLS. In the end the backend has the certificate that the client expects, or none. */
export const SECURED: readonly Row[] = [
  {
    name: 'the certificate is of an unknown authority',
    ends: ['retriesExhausted'],
    ...both(authority('a stranger').issue('backend', ['127.0.0.1']), RIGHT),
  },
  {
    name: 'the certificate is of another host',
    ends: ['retriesExhausted'],
    ...both(OURS.issue('other', ['collector.example']), RIGHT),
  },
  {
    name: 'the backend has no TLS, and the client wants it',
    ends: ['retriesExhausted'],
    ...both(undefined, RIGHT),
  },
  {
    name: 'the backend wants TLS, and the client has none',
    // Over HTTP/1.1 the client has sent its request by then, as far as it knows.
    ends: { http: ['unconfirmed', 'retriesExhausted'], grpc: ['retriesExhausted'] },
    ...both(RIGHT, undefined),
  },
];
