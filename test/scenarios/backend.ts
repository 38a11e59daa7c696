// A backend that has its bad time when the plan says so, and counts each span id that it took.

import { type BackendAnswer, type BackendRequest, otlpBackend } from '../../src/testing/index.ts';
import { answer, inputOf } from './child.ts';
import type { BackendPlan } from './scenarios.ts';

/** The backend's own books. */
export interface Taken {
  /** Different span ids that were answered by a success. */
  readonly spans: number;
  /** Those that came once more. */
  readonly duplicates: number;
  /** Requests that met the outage. */
  readonly refused: number;
}

const plan = inputOf<BackendPlan>();
const ids = new Set<string>();
let duplicates = 0;
let refused = 0;
let startedMillis = performance.now();

const backend = await otlpBackend({ maxRequests: 1, answers: answerTo });
answer({
  listen: () => backend.url,
  begin: () => {
    startedMillis = performance.now();
  },
  count: taken,
  countInTheEnd: async () => {
    await backend.until(({ inFlight }) => inFlight === 0);
    return taken();
  },
});
process.on('disconnect', () => void backend.close());

async function answerTo(request: BackendRequest): Promise<BackendAnswer> {
  const { outage, firstAnswerMillis } = plan;
  const atSeconds = (performance.now() - startedMillis) / 1_000;
  if (outage !== undefined && atSeconds >= outage.fromSeconds && atSeconds < outage.toSeconds) {
    refused += 1;
    return outage.by === 'reset' ? 'reset' : { status: 503 };
  }
  if (firstAnswerMillis !== undefined && request.index === 0) {
    await new Promise((resolve) => setTimeout(resolve, firstAnswerMillis));
  }
  take(request);
  return 'ok';
}

function take({ spans }: BackendRequest): void {
  for (const { spanId } of spans) {
    if (ids.has(spanId)) duplicates += 1;
    ids.add(spanId);
  }
}

function taken(): Taken {
  return { spans: ids.size, duplicates, refused };
}
