import type { SignalName } from '../../model/signal.ts';
import { fieldOf, listOf } from './jsonLists.ts';
import { children } from './wireMessages.ts';

/** Those whose items are counted and not shown. */
type CountedSignal = Exclude<SignalName, 'traces'>;

/** The signals at the paths of OTLP/HTTP. Any other path is one of traces. */
const PATHS: Readonly<Record<string, SignalName>> = { '/v1/logs': 'logs', '/v1/metrics': 'metrics' };

/** What a backend receives where it is given no path. */
export const DEFAULT_PATHS: readonly string[] = ['/v1/traces', ...Object.keys(PATHS)];

export function signalAt(path: string): SignalName {
  const end = DEFAULT_PATHS.find((known) => path.endsWith(known));
  return PATHS[end ?? ''] ?? 'traces';
}

/** The field in which a backend says in JSON how many items it rejects. */
export const REJECTED_FIELDS: Readonly<Record<SignalName, string>> = {
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
  metrics: 'rejectedDataPoints',
};

// Field numbers of opentelemetry-proto, which are the same for all signals: request → resource → scope → log records or metrics.
const RESOURCES = 1;
const SCOPES = 2;
const ITEMS = 2;
/** In `Metric`: gauge, sum, histogram, exponential histogram, summary. */
const DATA = [5, 7, 9, 10, 11] as const;
const DATA_POINTS = 1;

const JSON_LISTS: Readonly<Record<CountedSignal, readonly [string, string, string]>> = {
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
};
const JSON_DATA = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'] as const;

/**
 * The number of log records or data points in an encoded request. It shares no code with the encoder.
 *
 * @throws RangeError when the bytes are no protobuf message.
 */
export function countItems(signal: CountedSignal, body: Uint8Array): number {
  const scopes = children(body, RESOURCES).flatMap((resource) => children(resource, SCOPES));
  const items = scopes.flatMap((scope) => children(scope, ITEMS));
  if (signal !== 'metrics') return items.length;
  const data = items.flatMap((metric) => DATA.flatMap((field) => children(metric, field)));
  return data.reduce((sum, points) => sum + children(points, DATA_POINTS).length, 0);
}

/** The same for a request in OTLP's JSON encoding. */
export function countJsonItems(signal: CountedSignal, body: Uint8Array): number {
  const [resources, scopes, items] = JSON_LISTS[signal];
  const request: unknown = JSON.parse(new TextDecoder().decode(body));
  const found = listOf(request, resources)
    .flatMap((resource) => listOf(resource, scopes))
    .flatMap((scope) => listOf(scope, items));
  if (signal !== 'metrics') return found.length;
  const data = found.flatMap((metric) => JSON_DATA.map((name) => fieldOf(metric, name)));
  return data.reduce<number>((sum, points) => sum + listOf(points, 'dataPoints').length, 0);
}
