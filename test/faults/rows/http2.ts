import { constants } from 'node:http2';
import { type Http2Request, succeed } from '../../support/http2Server.ts';
import { overGrpc } from '../backends/overGrpc.ts';
import { type Row, WAITS } from '../row.ts';

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } =
  constants;

/** A frame that says that streams after `lastStream` have not been looked at. Node's own `goaway` names the newest stream at least. */
function goAwayFrame(lastStream: number, code: number): Buffer {
  const frame = Buffer.from('0000080700000000000000000000000000', 'hex');
  frame.writeUInt32BE(lastStream, 9);
  frame.writeUInt32BE(code, 13);
  return frame;
}

function refuseAfter(code: number): (request: Http2Request) => void {
  return ({ stream, socket }) => socket.write(goAwayFrame(Math.max(0, (stream.id ?? 1) - 2), code));
}

/** What only HTTP/2 has. `otlpHttp` speaks HTTP/1.1. */
export const HTTP2: readonly Row[] = [
  {
    name: 'GOAWAY with a last stream before the request',
    // RFC 9113, 6.8: the request was not processed.
    ends: ['retriesExhausted'],
    http: 'HTTP/1.1',
    grpc: overGrpc({ headed: refuseAfter(NGHTTP2_NO_ERROR) }),
  },
  {
    name: 'GOAWAY with a last stream before the request, because of too many pings (ENHANCE_YOUR_CALM)',
    // Node destroys the connection at an error of this kind, and the last stream is not told.
    ends: ['unconfirmed', 'retriesExhausted'],
    http: 'HTTP/1.1',
    grpc: overGrpc({ headed: refuseAfter(NGHTTP2_ENHANCE_YOUR_CALM) }),
  },
  {
    name: 'GOAWAY, and the request is answered',
    ends: ['delivered'],
    http: 'HTTP/1.1',
    grpc: overGrpc({
      keeps: true,
      whole: (request) => {
        request.session.close();
        setImmediate(() => succeed(request));
      },
    }),
  },
  {
    name: 'GOAWAY, and the request is never answered',
    ends: ['unconfirmed', 'retriesExhausted'],
    client: WAITS,
    http: 'HTTP/1.1',
    grpc: overGrpc({ keeps: true, whole: ({ session }) => session.close() }),
  },
  {
    name: 'GOAWAY, and the connection is closed without an answer',
    ends: ['unconfirmed'],
    http: 'HTTP/1.1',
    grpc: overGrpc({
      keeps: true,
      whole: ({ session, socket }) => {
        session.goaway();
        setImmediate(() => socket.end());
      },
    }),
  },
  {
    name: 'RST_STREAM: REFUSED_STREAM',
    // RFC 9113, 8.7: the request was not processed.
    ends: ['retriesExhausted'],
    http: 'HTTP/1.1',
    grpc: overGrpc({ headed: ({ stream }) => stream.close(NGHTTP2_REFUSED_STREAM) }),
  },
  ...Object.entries({
    CANCEL: NGHTTP2_CANCEL,
    INTERNAL_ERROR: NGHTTP2_INTERNAL_ERROR,
    ENHANCE_YOUR_CALM: NGHTTP2_ENHANCE_YOUR_CALM,
    NO_ERROR: NGHTTP2_NO_ERROR,
  }).map(
    ([name, code]): Row => ({
      name: `RST_STREAM: ${name}`,
      ends: ['unconfirmed'],
      http: 'HTTP/1.1',
      grpc: overGrpc({ keeps: true, whole: ({ stream }) => stream.close(code) }),
    }),
  ),
];
