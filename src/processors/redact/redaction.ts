import { createHmac } from 'node:crypto';
import type { Attributes, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { changedSpan, originalOf, type SpanChanges } from '../../model/changedSpan.ts';
import { ReceivedItem, ReceivedOwner } from '../../model/received.ts';
import type { RedactSettings } from './options.ts';
import { RedactedResource } from './redactedResource.ts';

type Resource = ReadableSpan['resource'];
type Record = Readonly<{ [key: string]: unknown }>;

const DEFAULT_REPLACEMENT = '[redacted]';

/** Values within values: OTLP allows no such depth. What lies deeper is replaced as a whole, so that nothing gets through, and a circle ends. */
const MAX_DEPTH = 64;

/** Replaces what is not to be seen. What has nothing of it stays the very object that it was. */
export class Redaction {
  readonly #keys: ReadonlySet<string>;
  readonly #keyPatterns: readonly RegExp[];
  readonly #patterns: readonly RegExp[];
  readonly #inPlaceOf: (text: string) => string;
  readonly #resources = new WeakMap<Resource, Resource>(); // redacted once, since many spans share them

  constructor({ keys, patterns, replacement = DEFAULT_REPLACEMENT, hash }: RedactSettings) {
    this.#keys = new Set(keys.filter((key) => typeof key === 'string'));
    // One that is global, or sticky, remembers where it stopped.
    this.#keyPatterns = keys.flatMap((key) => (typeof key === 'string' ? [] : withFlags(key, '')));
    this.#patterns = patterns.map((pattern) => withFlags(pattern, 'g'));
    this.#inPlaceOf =
      hash === undefined ? () => replacement : (text) => createHmac('sha256', hash.key).update(text).digest('hex');
  }

  span(span: ReadableSpan): ReadableSpan {
    const redacted = this.#redacted(span.attributes as Record, 0);
    const events = this.#each(span.events);
    const links = this.#each(span.links);
    const status = this.#status(span.status);
    const resource = this.#resource(span.resource);
    const changes: SpanChanges = {
      // What was not seen is in the bytes of these fields, which are not copied then.
      ...(hidesSome(originalOf(span)) && { attributes: span.attributes, events, links, status }),
      ...(redacted !== undefined && { added: redacted as Attributes }),
      ...(events !== span.events && { events }),
      ...(links !== span.links && { links }),
      ...(status !== span.status && { status }),
      ...(resource !== span.resource && { resource }),
    };
    return Object.keys(changes).length === 0 ? span : changedSpan(span, changes);
  }

  #attributes(attributes: Attributes): Attributes {
    return this.#record(attributes as Record, 0) as Attributes;
  }

  #each<E extends { readonly attributes?: Attributes | undefined }>(list: E[]): E[] {
    return sameOrMapped(list, (element) => {
      if (element.attributes === undefined) return element;
      const attributes = this.#attributes(element.attributes);
      return attributes === element.attributes ? element : { ...element, attributes };
    });
  }

  #status(status: SpanStatus): SpanStatus {
    if (status.message === undefined) return status;
    const message = this.#text(status.message);
    return message === status.message ? status : { ...status, message };
  }

  #resource(resource: Resource): Resource {
    const known = this.#resources.get(resource);
    if (known !== undefined) return known;
    const redacted = this.#newResource(resource);
    this.#resources.set(resource, redacted);
    return redacted;
  }

  #newResource(resource: Resource): Resource {
    const redact = (attributes: Attributes) => this.#attributes(attributes);
    const { attributes, asyncAttributesPending } = resource;
    if (asyncAttributesPending !== true && redact(attributes) === attributes && !hidesSome(resource)) return resource;
    return new RedactedResource(resource, redact);
  }

  #record(record: Record, depth: number): Record {
    const redacted = this.#redacted(record, depth);
    return redacted === undefined ? record : { ...record, ...redacted };
  }

  /** Those that are replaced, if there are any. */
  #redacted(record: Record, depth: number): Record | undefined {
    let redacted: [key: string, instead: unknown][] | undefined;
    for (const key of Object.keys(record)) {
      const value = record[key];
      const instead = this.#isNamed(key) ? this.#whole(value) : this.#value(value, depth);
      if (instead === value) continue;
      redacted ??= [];
      redacted.push([key, instead]);
    }
    // Not by assignment, which would replace a prototype.
    return redacted && Object.fromEntries(redacted);
  }

  #value(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
    if (depth === MAX_DEPTH) return this.#inPlaceOf('');
    if (Array.isArray(value)) return sameOrMapped(value, (element) => this.#value(element, depth + 1));
    return this.#record(value as Record, depth + 1);
  }

  #isNamed(key: string): boolean {
    return this.#keys.has(key) || this.#keyPatterns.some((pattern) => pattern.test(key));
  }

  #whole(value: unknown): string {
    return this.#inPlaceOf(typeof value === 'string' ? value : textOf(value));
  }

  #text(text: string): string {
    let redacted = text;
    for (const pattern of this.#patterns) {
      redacted = redacted.replace(pattern, (match: string) => (match === '' ? '' : this.#inPlaceOf(match)));
    }
    return redacted;
  }
}

/** Whether its bytes, which are sent on where nothing is replaced, have more than was read of them. */
function hidesSome(value: unknown): boolean {
  return ReceivedItem.hidesSome(value) || ReceivedOwner.placeOf(value)?.hidesSome === true;
}

/** A value that is hashed as a whole, as text: equal values have equal texts. */
function textOf(value: unknown): string {
  const plain = (_key: string, part: unknown) => (typeof part === 'bigint' ? part.toString() : part);
  return JSON.stringify(value, plain) ?? '';
}

function withFlags(pattern: RegExp, flags: string): RegExp {
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '') + flags);
}

/** The same array, if every element stays. */
function sameOrMapped<E>(list: E[], map: (element: E) => E): E[] {
  if (list === undefined || list.length === 0) return list;
  let isSame = true;
  const mapped = Array.from(list, (element) => {
    const instead = map(element);
    isSame &&= instead === element;
    return instead;
  });
  return isSame ? list : mapped;
}
