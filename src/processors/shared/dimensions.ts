import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { attributeOf } from '../../model/attributeOf.ts';
import { attributeOrResources } from '../../strategies/spanFacts.ts';

/** The names of OTLP, by the numbers of the API. */
const KINDS = [
  'SPAN_KIND_INTERNAL',
  'SPAN_KIND_SERVER',
  'SPAN_KIND_CLIENT',
  'SPAN_KIND_PRODUCER',
  'SPAN_KIND_CONSUMER',
];
const SERVICE = 'service.name';
const STATUS_CODES = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'];

/** What a dimension of this name reads of a span: its name, kind or status code, or an attribute of it or of its resource (of `service.name`, which is a resource's, the other way round); `undefined` where there is none. */
export function dimensionOf(name: string): (span: ReadableSpan) => unknown {
  if (name === 'span.name') return (span) => span.name;
  if (name === 'span.kind') return (span) => KINDS[span.kind] ?? 'SPAN_KIND_UNSPECIFIED';
  if (name === 'status.code') return (span) => STATUS_CODES[span.status.code] ?? 'STATUS_CODE_UNSET';
  // So that the attributes of a received span are not decoded for it.
  if (name === SERVICE) return (span) => span.resource.attributes[SERVICE] ?? attributeOf(span, SERVICE);
  return (span) => attributeOrResources(span, name);
}
