// A backend that has its bad time when the plan says so, and counts each span id that it took.

import { type BackendAnswer, type BackendRequest, type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';
import { seeded } from '../support/spans.ts';
import { answer, inputOf } from './child.ts';
import type { BackendPlan } from './scenarios.ts';

/** The backend's own books. */
export interface Taken {
  /** Different span ids that were answered by a success. */
  readonly spans: number;
  /** Those that came once more. */
  readonly duplicates: number;
  /** Requests that were answered by a success. */
  readonly requests: number;
  /** Requests that met the outage, or were answered by a 503 at random. */
  readonly refused: number;
}

const plan = inputOf<BackendPlan>();
const ids = new Set<string>();
let duplicates = 0;
let requests = 0;
let refused = 0;
let startedMillis = performance.now();
const random = seeded(1);

let backend = await listen();
let restarts: NodeJS.Timeout | undefined;
answer({
  listen: () => backend.url,
  begin: () => {
    startedMillis = performance.now();
    if (plan.restarts !== undefined) restarts = setInterval(restart, 1_000 * plan.restarts.everySeconds);
  },
  count: taken,
  countInTheEnd: async () => {
    clearInterval(restarts);
    await backend.until(({ inFlight }) => inFlight === 0);
    return taken();
  },
});
process.on('disconnect', () => {
  clearInterval(restarts);
  void backend.close();
});

function listen(port = 0): Promise<OtlpBackend> {
  return otlpBackend({ port, maxRequests: 1, answers: answerTo });
}

async function restart(): Promise<void> {
  const { port } = backend;
  await backend.close();
  await new Promise((resolve) => setTimeout(resolve, plan.restarts?.downMillis));
  backend = await listen(port);
  // Whoever started this program has let it go meanwhile.
  if (!process.connected) await backend.close();
}

async function answerTo(request: BackendRequest): Promise<BackendAnswer> {
  const { outage, refusedRatio = 0, firstAnswerMillis } = plan;
  const atSeconds = (performance.now() - startedMillis) / 1_000;
  if (outage !== undefined && atSeconds >= outage.fromSeconds && atSeconds < outage.toSeconds) {
    refused += 1;
    return outage.by === 'reset' ? 'reset' : { status: 503 };
  }
  if (random() < refusedRatio) {
    refused += 1;
    return { status: 503 };
  }
  if (firstAnswerMillis !== undefined && request.index === 0) {
    await new Promise((resolve) => setTimeout(resolve, firstAnswerMillis));
  }
  take(request);
  return 'ok';
}

function take({ spans }: BackendRequest): void {
  requests += 1;
  for (const { spanId } of spans) {
    if (ids.has(spanId)) duplicates += 1;
    ids.add(spanId);
  }
}

function taken(): Taken {
  return { spans: ids.size, duplicates, requests, refused };
}
