import type { SignalName } from '../../src/model/signal.ts';
import { type Content, type Entry, entryOf, type Item } from './entry.ts';

/** A request of any signal, as far as all of them are alike. */
type Request = Readonly<Record<string, readonly OfResource[] | undefined>>;
type OfResource = { readonly resource?: object; readonly schemaUrl?: string };
type OfScope = { readonly scope?: object; readonly schemaUrl?: string };
type Metric = Readonly<Record<string, unknown>>;

const NAMES = {
  traces: { resources: 'resourceSpans', scopes: 'scopeSpans', items: 'spans' },
  logs: { resources: 'resourceLogs', scopes: 'scopeLogs', items: 'logRecords' },
  metrics: { resources: 'resourceMetrics', scopes: 'scopeMetrics', items: 'metrics' },
} as const satisfies Record<SignalName, object>;

const KINDS = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'];

/** What stands in the file that a Collector writes: a request in each line. */
export function receivedEntries(signal: SignalName, lines: string): Entry[] {
  const requests = lines.split('\n').filter((line) => line !== '');
  return requests.flatMap((line) => entriesOf(signal, JSON.parse(line) as Request));
}

function entriesOf(signal: SignalName, request: Request): Entry[] {
  const names = NAMES[signal];
  return (request[names.resources] ?? []).flatMap((group) => {
    const { resource, schemaUrl: resourceSchemaUrl } = group;
    return listIn<OfScope>(group, names.scopes).flatMap((inside) => {
      const { scope, schemaUrl: scopeSchemaUrl } = inside;
      const around = present({ resource, resourceSchemaUrl, scope, scopeSchemaUrl });
      const items = listIn<Item>(inside, names.items);
      if (signal === 'metrics') return items.flatMap((metric) => pointsOf(metric as Metric, around));
      const absent = signal === 'logs' ? { body: {} } : {}; // see `sentRecords`
      return items.map((item) => entryOf(signal, { ...around, item: { ...absent, ...item } }));
    });
  });
}

function pointsOf(whole: Metric, around: Omit<Content, 'item'>): Entry[] {
  const kind = KINDS.find((name) => whole[name] !== undefined) ?? '';
  const { dataPoints = [], ...data } = whole[kind] as { dataPoints?: Item[] };
  return dataPoints.map((item) => entryOf('metrics', { ...around, metric: { ...whole, [kind]: data }, item }));
}

function listIn<T>(group: object, name: string): readonly T[] {
  return (group as Readonly<Record<string, readonly T[] | undefined>>)[name] ?? [];
}

function present<T extends object>(fields: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
