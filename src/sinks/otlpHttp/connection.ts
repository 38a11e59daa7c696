import { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { buildConnector, type Dispatcher } from 'undici';
import { messageOf } from '../../errors.ts';
import type { Failure } from '../../sink.ts';
import { SOCKET_HIGH_WATER_MARK_BYTES } from './body.ts';
import { connectorSource } from './connector.ts';
import { type Carrier, carrierFor, isOfConnecting } from './dispatcher.ts';
import type { OtlpHttpSettings } from './options.ts';
import type { TlsMaterial } from './tls.ts';

/** Connections to one backend, kept alive: as many as there are requests at once. */
export interface Connections {
  /** Sends a request and reads its answer. */
  request<R>(options: Dispatcher.RequestOptions, read: (answer: Dispatcher.ResponseData) => Promise<R>): Promise<R>;
  /** What it means that a request had no answer. */
  failureOf(error: unknown): Failure;
  close(): Promise<void>;
}

export function connectionsFor(settings: OtlpHttpSettings): Connections {
  const unconnected = new WeakSet<object>(); // errors of connections that did not come about
  const { dispatcher, close } = carrierOf(settings, unconnected);
  return {
    async request(options, read) {
      const answer = await dispatcher.request({ origin: settings.url.origin, ...options });
      try {
        return await read(answer);
      } finally {
        // undici takes a connection for free one turn after its answer: who sends before that opens another one.
        await nextTurn();
      }
    },
    // Refused, not found, a certificate that does not fit: certainly no arrival. Where a connection broke, or what came over it is no HTTP, nobody knows.
    failureOf: (error) => {
      const isUnconnected = (error instanceof Object && unconnected.has(error)) || isOfConnecting(error);
      return { kind: isUnconnected ? 'retryable' : 'unknownOutcome' };
    },
    close,
  };
}

function carrierOf(settings: OtlpHttpSettings, unconnected: WeakSet<object>): Carrier {
  const { timeoutMillis, tls } = settings;
  // undici's own limits are a second line: the deadline of an attempt belongs to whoever subscribes. There, 0 means none, and parts of a millisecond are refused.
  const timeout = timeoutMillis === Number.POSITIVE_INFINITY ? 0 : Math.ceil(timeoutMillis);
  // Passed on to the socket, plain or TLS, which the types leave out.
  const common = { highWaterMark: SOCKET_HIGH_WATER_MARK_BYTES, allowH2: false, timeout };
  const build = (material: TlsMaterial) => buildConnector({ ...(material as buildConnector.BuildOptions), ...common });
  const connectorFor = connectorSource(tls, build, timeoutMillis);
  const connect: buildConnector.connector = (options, callback) => {
    const fail = (error: Error) => {
      unconnected.add(error);
      callback(error, null);
    };
    const begin = (connector: buildConnector.connector) => {
      // It returns the socket that begins to connect, which its types leave out: it holds the process no more than a connected one.
      const socket: unknown = connector(options, (...result) =>
        result[0] === null ? callback(...result) : fail(result[0]),
      );
      if (socket instanceof Socket) unhold(socket);
    };
    connectorFor(options.protocol).then(begin).catch(fail);
  };
  return carrierFor(settings, connect, {
    allowH2: false,
    pipelining: 1,
    headersTimeout: timeout,
    bodyTimeout: timeout,
  });
}

/** A request that is under way keeps no process alive: whoever waits for it (a flush, a drain at exit) does that on purpose. */
function unhold(socket: Socket): void {
  socket.unref();
  // undici takes its reference back with each request.
  socket.ref = () => socket;
}

/** `ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:4318`, and the like for certificates: code and text, whichever are there. */
export function describe(error: unknown): string {
  const { code, errors } = (error ?? {}) as { code?: unknown; errors?: unknown };
  // Several addresses were tried: the first failure tells the story.
  const first = Array.isArray(errors) ? errors[0] : undefined;
  const message = messageOf(first ?? error);
  return typeof code === 'string' && !message.includes(code) ? `${code}: ${message}` : message;
}
