import { GRPC_HEAD, type Http2Request } from '../../support/http2Server.ts';
import { rawAnswer } from '../../support/httpServer.ts';
import { overGrpc } from '../backends/overGrpc.ts';
import { overHttp } from '../backends/overHttp.ts';
import { drip, flood } from '../backends/slowly.ts';
import { type Row, WAITS } from '../row.ts';

const CHUNKED = rawAnswer(200, { 'content-type': 'application/x-protobuf', 'transfer-encoding': 'chunked' }, '');

/** A success of gRPC, with this message: bytes of the body. */
function succeedWith({ stream }: Http2Request, body: Buffer): void {
  stream.respond(GRPC_HEAD, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(body);
}

/** A message of gRPC that says it is so long, and what there is of it. */
function framed(length: number, content: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, content]);
}

const GARBAGE = Buffer.from('ffffffffffffffffffff', 'hex');

/** A request is kept, and something is wrong with the answer. Over HTTP/1.1 the status decides, which comes first; over gRPC it comes last. */
export const ANSWERS: readonly Row[] = [
  {
    name: 'the head of the answer comes at one byte a second',
    ends: ['unconfirmed', 'retriesExhausted'],
    client: WAITS,
    http: overHttp({ keeps: true, whole: ({ socket }) => drip(socket, rawAnswer(200, { 'content-length': 0 }, '')) }),
    grpc: 'a head is one frame: see the body',
  },
  {
    name: 'the body of the answer comes at one byte a second',
    ends: { http: ['delivered', 'unconfirmed', 'retriesExhausted'], grpc: ['unconfirmed', 'retriesExhausted'] },
    client: WAITS,
    http: overHttp({
      keeps: true,
      whole: ({ socket }) => {
        socket.write(rawAnswer(200, { 'content-length': 1_000 }, ''));
        drip(socket, 'x'.repeat(1_000));
      },
    }),
    grpc: overGrpc({
      keeps: true,
      whole: ({ stream }) => {
        stream.respond(GRPC_HEAD);
        drip(stream, Buffer.alloc(1_000));
      },
    }),
  },
  {
    name: 'garbage instead of an answer',
    ends: ['unconfirmed'],
    isFinal: ['http'],
    http: overHttp({ keeps: true, whole: ({ socket }) => void socket.write('\u0000garbage\r\n\r\n') }),
    grpc: overGrpc({ keeps: true, whole: ({ socket }) => void socket.write(Buffer.alloc(64, 0xff)) }),
  },
  {
    name: 'garbage as the body of a success',
    ends: ['delivered'],
    http: overHttp({
      keeps: true,
      whole: ({ socket }) => {
        const head = rawAnswer(200, { 'content-type': 'application/x-protobuf', 'content-length': GARBAGE.length }, '');
        socket.write(Buffer.concat([Buffer.from(head), GARBAGE]));
      },
    }),
    grpc: overGrpc({ keeps: true, whole: (request) => succeedWith(request, framed(GARBAGE.length, GARBAGE)) }),
  },
  {
    name: 'half a head of an answer, and the connection is closed',
    ends: ['unconfirmed'],
    http: overHttp({ keeps: true, whole: ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\ncontent-le') }),
    grpc: overGrpc({ keeps: true, whole: ({ socket }) => void socket.end(Buffer.from('00002001', 'hex')) }),
  },
  {
    name: 'half a body of an answer, and the connection is closed',
    ends: { http: ['delivered'], grpc: ['unconfirmed'] },
    http: overHttp({
      keeps: true,
      whole: ({ socket }) => void socket.end(rawAnswer(200, { 'content-length': 10 }, 'half')),
    }),
    grpc: overGrpc({
      keeps: true,
      whole: ({ stream, socket }) => {
        stream.respond(GRPC_HEAD);
        stream.write(framed(10, Buffer.from('half')), () => setImmediate(() => socket.end()));
      },
    }),
  },
  {
    name: 'half a body of an answer, and then nothing',
    ends: { http: ['delivered', 'unconfirmed', 'retriesExhausted'], grpc: ['unconfirmed', 'retriesExhausted'] },
    client: WAITS,
    http: overHttp({
      keeps: true,
      whole: ({ socket }) => void socket.write(rawAnswer(200, { 'content-length': 10 }, 'half')),
    }),
    grpc: overGrpc({
      keeps: true,
      whole: ({ stream }) => {
        stream.respond(GRPC_HEAD);
        stream.write(framed(10, Buffer.from('half')));
      },
    }),
  },
  {
    name: 'a head of an answer without end',
    ends: ['unconfirmed'],
    isFinal: ['http'],
    http: overHttp({
      keeps: true,
      whole: ({ socket }) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        flood(socket, `x-more: ${'x'.repeat(1_000)}\r\n`);
      },
    }),
    grpc: 'a head is one frame of limited size',
  },
  {
    name: 'informational answers without end',
    ends: ['unconfirmed', 'retriesExhausted'],
    client: WAITS,
    http: overHttp({ keeps: true, whole: ({ socket }) => flood(socket, 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(50)) }),
    grpc: 'gRPC has none',
  },
  {
    name: 'a body of an answer without end',
    ends: ['unconfirmed'],
    isFinal: ['http', 'grpc'],
    client: { pipelines: 1 },
    http: overHttp({
      keeps: true,
      whole: ({ socket }) => {
        socket.write(CHUNKED);
        flood(socket, `4000\r\n${'x'.repeat(0x4000)}\r\n`);
      },
    }),
    grpc: overGrpc({
      keeps: true,
      whole: ({ stream }) => {
        stream.respond(GRPC_HEAD);
        stream.write(framed(0x7fff_ffff, Buffer.alloc(0)));
        flood(stream, Buffer.alloc(0x4000));
      },
    }),
  },
  {
    name: 'an answer without a status',
    ends: ['unconfirmed'],
    http: 'the status comes first: see garbage',
    grpc: overGrpc({
      keeps: true,
      whole: ({ stream }) => {
        stream.respond(GRPC_HEAD);
        stream.end(framed(0, Buffer.alloc(0)));
      },
    }),
  },
];
