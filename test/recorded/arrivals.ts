import { AssertionError, deepStrictEqual } from 'node:assert/strict';
import {
  countOf,
  type RequestJson,
  type ResourceSpansJson,
  type ScopeSpansJson,
  type SpanJson,
  type TelemetryCount,
} from '../support/otlpJson.ts';
import { decodeRequest } from '../support/wire.ts';

/** One span with what it belongs to. Spans of one group share the group's objects. */
interface Located {
  readonly span: SpanJson;
  readonly resource: Pick<ResourceSpansJson, 'resource' | 'schemaUrl'>;
  readonly scope: Pick<ScopeSpansJson, 'scope' | 'schemaUrl'>;
}

/** A few tell the story; 64,151 would bury it. */
const MAX_PROBLEMS = 3;

/**
 * The far side of the wire: compares each span that arrives with its twin, and strikes it off. So memory holds only what is under
 * way, and what comes twice, or was never sent, is noticed at once.
 */
export class Arrivals {
  /** What has arrived, equal or not. */
  readonly count: TelemetryCount = { spans: 0, events: 0, attributes: 0 };
  /** What was wrong with it: the first few. */
  readonly problems: string[] = [];
  largestBody = 0;
  readonly #awaited = new Map<string, Located>();
  readonly #equal = new WeakMap<object, WeakSet<object>>(); // pairs of resources or scopes that were compared

  /** How many were announced and have not arrived. */
  get missing(): number {
    return this.#awaited.size;
  }

  /** Announces the spans that are sent next. */
  announce(twin: RequestJson): void {
    for (const located of locate(twin)) {
      const id = idOf(located.span);
      if (this.#awaited.has(id)) throw new Error(`two spans of the data are both ${id}`);
      this.#awaited.set(id, located);
    }
  }

  /** Takes the body of a request. It never throws: what is wrong is a problem. */
  receive(body: Uint8Array): void {
    this.largestBody = Math.max(this.largestBody, body.length);
    try {
      const request = decodeRequest(body);
      const { spans, events, attributes } = countOf([request]);
      this.count.spans += spans;
      this.count.events += events;
      this.count.attributes += attributes;
      for (const located of locate(request)) this.#strikeOff(located);
    } catch (error) {
      if (this.problems.length < MAX_PROBLEMS) this.problems.push(describe(error));
    }
  }

  #strikeOff(arrived: Located): void {
    const id = idOf(arrived.span);
    const awaited = this.#awaited.get(id);
    if (awaited === undefined) throw new Error(`${id} arrived twice, or was never sent`);
    this.#awaited.delete(id);
    deepStrictEqual(arrived.span, awaited.span);
    this.#compareOnce(arrived.resource, awaited.resource);
    this.#compareOnce(arrived.scope, awaited.scope);
  }

  #compareOnce(arrived: object, awaited: object): void {
    const equal = this.#equal.get(arrived) ?? new WeakSet();
    this.#equal.set(arrived, equal);
    if (equal.has(awaited)) return;
    deepStrictEqual(arrived, awaited);
    equal.add(awaited);
  }
}

function* locate(request: RequestJson): Generator<Located> {
  for (const { scopeSpans = [], ...resource } of request.resourceSpans ?? []) {
    for (const { spans = [], ...scope } of scopeSpans) {
      for (const span of spans) yield { span, resource, scope };
    }
  }
}

function idOf({ traceId, spanId }: SpanJson): string {
  return `${traceId}/${spanId}`;
}

function describe(error: unknown): string {
  if (!(error instanceof AssertionError)) return String(error);
  return `arrived ${JSON.stringify(error.actual)}\ninstead of ${JSON.stringify(error.expected)}`;
}
