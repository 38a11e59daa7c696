import type { SpanRecord, TraceRecord } from './messages.ts';

/** A span as a row: `left` and `width` are fractions of the whole trace. */
export interface WaterfallRow {
  readonly span: SpanRecord;
  readonly depth: number;
  readonly left: number;
  readonly width: number;
}

/** The spans of a trace, each below its parent, by start. A span whose parent is not there stands at the top. */
export function waterfallOf({ spans }: Pick<TraceRecord, 'spans'>): WaterfallRow[] {
  const { startMillis, durationMillis } = extentOf(spans);
  const ids = new Set(spans.map(({ id }) => id));
  const children = new Map<string | undefined, SpanRecord[]>();
  for (const span of [...spans].sort((a, b) => a.startMillis - b.startMillis)) {
    const parent = span.parentId !== undefined && ids.has(span.parentId) ? span.parentId : undefined;
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const rows: WaterfallRow[] = [];
  const add = (parent: string | undefined, depth: number): void => {
    const found = children.get(parent) ?? [];
    children.delete(parent); // each span once, also where ids are repeated
    for (const span of found) {
      const left = share(span.startMillis - startMillis, durationMillis);
      rows.push({ span, depth, left, width: Math.min(1 - left, share(span.durationMillis, durationMillis)) });
      add(span.id, depth + 1);
    }
  };
  add(undefined, 0);
  // What is left are spans that are each other's parents.
  for (const id of [...children.keys()]) add(id, 0);
  return rows;
}

/** When a trace begins, and how long it takes. */
export function extentOf(spans: readonly SpanRecord[]): Pick<SpanRecord, 'startMillis' | 'durationMillis'> {
  const startMillis = Math.min(...spans.map((span) => span.startMillis));
  const endMillis = Math.max(...spans.map((span) => span.startMillis + span.durationMillis));
  return { startMillis, durationMillis: Math.max(0, endMillis - startMillis) };
}

/** The span that stands for its trace: the first one without a parent here. */
export function rootOf(trace: Pick<TraceRecord, 'spans'>): SpanRecord | undefined {
  return waterfallOf(trace)[0]?.span;
}

function share(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}

/** Whether each word of the query is somewhere in the trace: its id, names, services, attributes, fate, or `error`. */
export function isFound(trace: TraceRecord, query: string): boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const texts = trace.spans.map(({ name, service, isError, attributes }) =>
    [name, service, isError ? 'error' : '', ...attributes.map(([key, value]) => `${key}=${value}`)].join('\n'),
  );
  const whole = [trace.traceId, trace.fate, ...texts].join('\n').toLowerCase();
  return words.every((word) => whole.includes(word));
}
