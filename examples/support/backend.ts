import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type OtlpBackend, otlpBackend } from 'spanflow/testing';

/** How the backend feels: it answers at once, it takes its time, or it refuses and breaks connections. */
export type Mood = 'well' | 'slow' | 'down';

/** A backend in a process of its own, as real ones are. */
export interface Backend {
  readonly url: string;
  be(mood: Mood): void;
  /** Spans that it has accepted, by its own count. */
  count(): Promise<number>;
  close(): Promise<void>;
}

type Order = { readonly be: Mood } | 'count';

/** Then it hangs: no measure of how long it takes to start on a busy machine. */
const BOUND_MILLIS = 60_000;

export async function startBackend(): Promise<Backend> {
  const child = fork(import.meta.filename, { stdio: 'inherit' });
  const send = (order: Order) => child.connected && child.send(order);
  const next = async () => (await once(child, 'message', { signal: AbortSignal.timeout(BOUND_MILLIS) }))[0];
  const url = (await next()) as string;
  return {
    url,
    be: (mood) => send({ be: mood }),
    count: async () => {
      const answer = next();
      send('count');
      return (await answer) as number;
    },
    close: async () => {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

function be(backend: OtlpBackend, mood: Mood): void {
  if (mood === 'well') backend.respond('ok');
  if (mood === 'slow') backend.respond({ delayMillis: 800 });
  if (mood === 'down') backend.respond((_request, index) => (index % 2 === 0 ? 'reset' : { status: 503 }));
}

async function serve(): Promise<void> {
  // The program that started it has gone, or is done with it. Nothing that is still connected keeps it, and it may be over before this one listens.
  process.on('disconnect', () => process.exit());
  const backend = await otlpBackend({ maxRequests: 1 });
  process.on('message', (order: Order) => {
    if (order === 'count') process.send?.(backend.spans);
    else be(backend, order.be);
  });
  process.send?.(backend.url);
}

if (process.argv[1] === import.meta.filename && process.send !== undefined) await serve();
