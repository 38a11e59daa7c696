import type { SignalName } from '../../model/signal.ts';

type Decoder = (body: Uint8Array) => readonly unknown[];

/** Loaded by the first file that is found: most starts find none. */
const DECODERS: { readonly [S in SignalName]: () => Promise<Decoder> } = {
  traces: async () => (await import('../../otlp/traces/decode/viewTraces.ts')).viewTraces,
  logs: async () => (await import('../../otlp/logs/decode/viewLogs.ts')).viewLogs,
  metrics: async () => (await import('../../otlp/metrics/decode/viewMetrics.ts')).viewMetrics,
};

/** Reads the items of a request, each from its bytes when it is asked for: encoding copies them. */
export function decoderOf<T>(signal: SignalName): (body: Uint8Array) => Promise<readonly T[]> {
  return async (body) => (await DECODERS[signal]())(body) as readonly T[];
}
