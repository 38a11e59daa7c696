import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** What an attribute or the body of a log record may hold. */
export type AnyValue =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | null
  | undefined
  | readonly AnyValue[]
  | { readonly [key: string]: AnyValue };

/**
 * A log record as `@opentelemetry/sdk-logs` hands it to a processor.
 *
 * Why is it written down here? A program that only traces should not have to install `sdk-logs` for the types of what it does not use. The SDK's own records fit, and what is decoded fits the SDK's type.
 */
export interface ReadableLogRecord {
  readonly hrTime: HrTime;
  readonly hrTimeObserved: HrTime;
  readonly spanContext?: SpanContext;
  readonly severityText?: string;
  /** 1 (trace) to 24 (fatal), in steps of four for each level. */
  readonly severityNumber?: number;
  readonly body?: AnyValue;
  readonly eventName?: string;
  readonly resource: ReadableSpan['resource'];
  readonly instrumentationScope: ReadableSpan['instrumentationScope'];
  readonly attributes: { readonly [key: string]: AnyValue };
  readonly droppedAttributesCount: number;
}
