/** What each worker of 20-sampleOnAllCores runs, and the main thread to compare: whole traces come in, and few of them go on. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { encodeTraces, viewTraces } from 'spanflow/otlp';
import { tailSample } from 'spanflow/processors';
import { operatorTask } from 'spanflow/workers';

/** Keeps the traces that have failed, and those in which somebody was told to come back. */
export const sampling = tailSample({
  policies: [{ kind: 'errors' }, { kind: 'attribute', key: 'order.note', pattern: /come back (?:later|tomorrow)/ }],
});

export const sample = operatorTask({
  receive: (bytes: Uint8Array) => viewTraces(bytes),
  operator: sampling,
  send: (spans: readonly ReadableSpan[]) => encodeTraces(spans),
});
