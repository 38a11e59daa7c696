// A backend that is well, or dead in the way it is told, and knows each span that it has stored.

import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { decodeTraces } from '../../src/otlp/index.ts';
import { answer, inputOf } from '../scenarios/child.ts';
import { Arrivals, type Seen } from './arrivals.ts';
import type { BackendState, Protocol } from './plan.ts';
import { Serials } from './serials.ts';
import { type Request, SERVICES, type Service } from './services.ts';

export interface BackendInput {
  readonly protocol: Protocol;
}

/** Its own books. */
export interface Stored {
  /** Different spans. */
  readonly spans: number;
  /** How often a span came that it had. */
  readonly repeated: number;
}

/** How long an answer takes: so several requests can be in flight. */
const ANSWER_MILLIS = 20;

const { protocol } = inputOf<BackendInput>();
const stored = new Serials();
const now = () => performance.now();

let state: BackendState = 'well';
let arrivals = new Arrivals(now);
const first = await SERVICES[protocol](0, take);
const { port } = first;
let service: Service | undefined = first;

subscribe('net.server.socket', (message) => {
  if ((message as { socket: Socket }).socket.localPort === port) arrivals.connected();
});
answer({
  listen: () => first.url,
  well: () => become('well'),
  refused: () => become('refused'),
  silent: () => become('silent'),
  unavailable: () => become('unavailable'),
  seen: (): Seen => arrivals.seen,
  stored: (): Stored => ({ spans: stored.count, repeated: stored.repeated }),
});
process.on('disconnect', () => process.exit(0));
// Whoever started it was gone before it listened.
if (!process.connected) process.exit(0);

async function become(next: BackendState): Promise<void> {
  state = next;
  arrivals = new Arrivals(now);
  if (next === 'refused') {
    await service?.close();
    service = undefined;
  } else {
    service ??= await SERVICES[protocol](port, take);
  }
}

function take(request: Request): void {
  const spans = decodeTraces(request.body);
  const ended = arrivals.arrived(spans.length);
  request.onGone(() => ended('gone'));
  const give = (how: 'ok' | 'unavailable') => {
    ended('answered');
    request.answer(how);
  };
  if (state === 'unavailable') give('unavailable');
  else for (const span of spans) stored.add(Number.parseInt(span.spanContext().spanId, 16));
  if (state === 'well') setTimeout(give, ANSWER_MILLIS, 'ok');
}
