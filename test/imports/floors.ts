import type { Floors } from './imports.ts';

/** The rooms of `src`, from the lowest floor to the highest. A file imports from floors below its own, and from its own room; never from a room beside or above it. */
export const FLOORS: Floors = [
  ['model'],
  ['internal'],
  ['strategies', 'flow', 'peers'],
  ['ledger', 'destination'],
  ['otlp/cache'],
  ['otlp/protobuf'],
  ['otlp/json'],
  ['otlp/encode', 'otlp/decode'],
  ['otlp/responses'],
  ['otlp/traces', 'otlp/logs', 'otlp/metrics'],
  ['otlp'],
  ['inputs', 'operators', 'processors', 'outputs', 'sinks'],
  ['inputs/otlpReceiver'],
  ['pipelines', 'workers', 'testing/failures'],
  ['relay', 'durable', 'terminal', 'view', 'observability', 'telemetry', 'testing/time'],
  ['cli', 'testing/backend', 'testing/marbles'],
  ['testing/expectations', 'testing/diagrams'],
  ['testing/marbleTest', 'testing/laws'],
  ['testing'],
  ['.'],
];
