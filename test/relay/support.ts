// What the tests of the relay have in common.

import { onTestFinished } from 'vitest';
import { encodeLogs, encodeMetrics, encodeTraces } from '../../src/otlp/index.ts';
import { type Relay, type RelayConfig, type RelayOptions, relay } from '../../src/relay/index.ts';
import { dataPointWith, metricOfType, VALUES } from '../support/dataPoints.ts';
import { logRecordWith } from '../support/logRecords.ts';
import { generatedSpans } from '../support/spans.ts';

/** Starts one on loopback, which ends with the test. */
export async function start(config: RelayConfig, options: RelayOptions = {}): Promise<{ relay: Relay; url: string }> {
  const receive = { ...config.receive, http: { port: 0, ...config.receive?.http } };
  const running = relay({ ...config, receive }, options);
  onTestFinished(async () => void (await running.shutdown({ timeoutMillis: 0 })));
  const { http } = await running.listen();
  return { relay: running, url: http?.url ?? '' };
}

/** Something of each signal. */
export const SENT = {
  traces: generatedSpans({ seed: 16, count: 20 }),
  logs: [1, 2, 3].map((number) => logRecordWith({ body: `line ${number}`, attributes: { number } })),
  metrics: ([0, 1, 2, 3] as const).map((type) =>
    dataPointWith({ value: VALUES[type], attributes: { type } }, metricOfType(type)),
  ),
};

export const BODIES = {
  traces: encodeTraces(SENT.traces),
  logs: encodeLogs(SENT.logs),
  metrics: encodeMetrics(SENT.metrics),
};

/** Tried once: whoever sends tries again. */
export const ONCE = { retry: { maxAttempts: 1 } };
export const AT_ONCE = { batch: { scheduledDelayMillis: 5 } };

export async function get(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
}
