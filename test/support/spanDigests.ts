// Spans as short digests of all their fields, by a decoder that shares no code with src: so a hundred thousand of them are compared in little memory.

import { createHash } from 'node:crypto';
import { asSpansHoldIt } from './otlpJson.ts';
import { decodeRequest } from './wire.ts';

/** How often spans of each digest came, by trace and span id and digest: what differs in any field, its resource or its scope has another one. */
export class SpanDigests {
  readonly #counts = new Map<string, number>();

  /** Adds the spans of an `ExportTraceServiceRequest`, and returns their keys. */
  add(request: Uint8Array): string[] {
    const keys = digestsOf(request);
    for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    return keys;
  }

  get size(): number {
    let size = 0;
    for (const count of this.#counts.values()) size += count;
    return size;
  }

  /** Those that came more often here than there. */
  without(others: SpanDigests): string[] {
    return [...this.#counts.keys()].filter((key) => this.countOf(key) > others.countOf(key));
  }

  countOf(key: string): number {
    return this.#counts.get(key) ?? 0;
  }
}

/** Of each span of a request, in its order. */
function digestsOf(request: Uint8Array): string[] {
  const { resourceSpans = [] } = asSpansHoldIt(decodeRequest(request));
  return resourceSpans.flatMap(({ resource, schemaUrl, scopeSpans = [] }) => {
    const owner = canonical([resource ?? {}, schemaUrl ?? '']);
    return scopeSpans.flatMap(({ scope, schemaUrl: scopeUrl, spans = [] }) => {
      const around = `${owner}${canonical([scope ?? {}, scopeUrl ?? ''])}`;
      return spans.map((span) => `${span.traceId} ${span.spanId} ${digest(around + canonical(span))}`);
    });
  });
}

function digest(text: string): string {
  return createHash('sha1').update(text).digest('base64url').slice(0, 12);
}

/** The same text for the same fields, in whatever order they were read. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(fields).sort();
  return `{${names.map((name) => `${name}:${canonical(fields[name])}`).join()}}`;
}
