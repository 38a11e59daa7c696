import type { SignalName } from '../../src/model/signal.ts';

/** One item and everything that stands around it in a request, as plain OTLP/JSON in which defaults are absent. */
export interface Entry {
  /** Tells it from all others of its signal. */
  readonly key: string;
  readonly content: Content;
}

export interface Content {
  readonly resource?: object;
  readonly resourceSchemaUrl?: string;
  readonly scope?: object;
  readonly scopeSchemaUrl?: string;
  /** Of data points: all of the metric but its points. */
  readonly metric?: { readonly name?: string };
  /** The span, the log record or the data point. */
  readonly item: Item;
}

/** As much of an item as its key is made of. */
export interface Item {
  readonly spanId?: string;
  readonly timeUnixNano?: string;
  readonly observedTimeUnixNano?: string;
  readonly attributes?: unknown;
}

const KEYS: Readonly<Record<SignalName, (content: Content) => string>> = {
  traces: ({ item }) => `span ${item.spanId}`,
  logs: ({ item }) => `record of ${item.timeUnixNano}, seen ${item.observedTimeUnixNano}`,
  metrics: ({ metric, item }) => `point of ${metric?.name} at ${item.timeUnixNano} ${beginOf(item.attributes)}`,
};

const MAX_SHOWN_CHARACTERS = 100;

function beginOf(attributes: unknown): string {
  return (JSON.stringify(attributes) ?? '').slice(0, MAX_SHOWN_CHARACTERS);
}

export function entryOf(signal: SignalName, content: Content): Entry {
  return { key: KEYS[signal](content), content };
}
