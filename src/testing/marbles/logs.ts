import type { ReadableLogRecord } from '../../model/logRecord.ts';
import { valueText } from '../failures/text.ts';
import { type ItemsByLetter, LetterTable, START_SECONDS } from './letterTable.ts';
import { makeResource, type SpanTable } from './spans.ts';

/** The properties of a drawn log record. Each has a default. */
export interface LogShape {
  /** Any value. Default: the letter. */
  readonly body?: unknown;
  /** Default `info`. */
  readonly severity?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  /** Makes it an event of this name. Default: none, a plain record. */
  readonly eventName?: string;
  /** Any values. Default: none. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** The letter of the span in which it was logged; `null` for none. Default: the span of its own letter. */
  readonly span?: string | null;
  /** Attributes of its resource, added to the service name `marbles`. */
  readonly resource?: Readonly<Record<string, unknown>>;
}

/** Log records by letter: all default letters and the shaped ones. */
export type LogsByLetter<Shaped extends string = never> = ItemsByLetter<ReadableLogRecord, Shaped>;

/** As OpenTelemetry numbers them. */
const SEVERITY_NUMBERS: Record<NonNullable<LogShape['severity']>, number> = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
};

/** The log records of one run by letter. */
export class LogTable extends LetterTable<ReadableLogRecord, LogShape> {
  protected readonly noun = 'log record';
  protected readonly caller = 'logs';
  readonly #spans: SpanTable;

  constructor(spans: SpanTable) {
    super();
    this.#spans = spans;
  }

  isOne(value: unknown): value is ReadableLogRecord {
    return typeof value === 'object' && value !== null && Array.isArray((value as ReadableLogRecord).hrTimeObserved);
  }

  wordsOf({ body, severityText, eventName, spanContext, attributes }: ReadableLogRecord): string {
    const span = spanContext && this.#spans.letterOfId(spanContext.spanId);
    return [
      `the log record ${valueText(body)}`,
      ...(severityText === undefined ? [] : [severityText]),
      ...(eventName === undefined ? [] : [`event ${eventName}`]),
      ...(spanContext === undefined ? [] : [`in span ${span ?? spanContext.spanId}`]),
      ...(Object.keys(attributes).length === 0 ? [] : [valueText(attributes)]),
    ].join(', ');
  }

  protected make(letter: string): ReadableLogRecord {
    const shape = this.shapes.get(letter) ?? {};
    const { severity = 'info', eventName, span = letter } = shape;
    return {
      hrTime: [START_SECONDS, 0],
      hrTimeObserved: [START_SECONDS, 0],
      ...(span === null ? {} : { spanContext: this.#spans.item(span).spanContext() }),
      severityText: severity.toUpperCase(),
      severityNumber: SEVERITY_NUMBERS[severity],
      body: 'body' in shape ? shape.body : letter,
      ...(eventName === undefined ? {} : { eventName }),
      attributes: { ...shape.attributes },
      resource: makeResource({ 'service.name': 'marbles', ...shape.resource }),
      instrumentationScope: { name: 'spanflow/testing' },
      droppedAttributesCount: 0,
    };
  }
}
