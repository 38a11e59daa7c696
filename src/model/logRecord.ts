import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/**
 * A log record as `@opentelemetry/sdk-logs` hands it to a processor.
 *
 * Why is it written down here? A program that only traces should not have to install `sdk-logs` for the types of what it does not use. The SDK's own records fit, those of 3.x and of 0.2xx, and what is
 * decoded fits the type of 3.x.
 */
export interface ReadableLogRecord {
  /** When it happened; `[0, 0]` if that is unknown. */
  readonly hrTime: HrTime;
  /** When it was seen. */
  readonly hrTimeObserved: HrTime;
  /** Of the span in which it was logged. */
  readonly spanContext?: SpanContext;
  /** How severe it is, as the program or its logging library calls it: `WARN`. */
  readonly severityText?: string;
  /** 1 (trace) to 24 (fatal), in steps of four for each level. */
  readonly severityNumber?: number;
  /** Any value: a string, a number, a boolean, bytes, `null`, an array or a map of such values. `undefined`: there is none. */
  readonly body?: unknown;
  /** Of records that are events: which event. */
  readonly eventName?: string;
  /** What has logged it: the service, the host. */
  readonly resource: ReadableSpan['resource'];
  /** The library that has logged it. */
  readonly instrumentationScope: ReadableSpan['instrumentationScope'];
  /** Any values, as {@link body} has them. */
  readonly attributes: { readonly [key: string]: unknown };
  /** Attributes that the SDK's limits have left out: 0 or more. */
  readonly droppedAttributesCount: number;
}
