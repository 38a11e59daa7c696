import { limit, settingsOf } from '../../internal/validation.ts';
import { SpanflowError } from '../../model/errors.ts';

/** How large the result of one message may become. A message that exceeds a limit is refused with a `SpanflowError` of code `MESSAGE_TOO_LARGE`. */
export interface DecodeOptions {
  /**
   * At most this many resources, scopes, spans, events, links, log records, metrics, data points, attributes, elements of arrays and
   * entries of maps: 1 or more, or `Infinity`. Default 2,097,152: nearly four times the items of the largest recorded request (86,583 spans in 23.8 MB, 560,280
   * items). It limits how long one call takes: a higher limit lets one message hold the event loop for longer.
   */
  readonly maxItems?: number;
  /**
   * At most this many bytes of heap for the items and, in JSON, for the parsed text: 1 or more, or `Infinity`. Default 268,435,456
   * (256 MiB): twice the estimate for the largest recorded request, and a host with a heap of 512 MiB survives it. A higher limit
   * needs a larger heap.
   *
   * It is an estimate: each byte of the message counts as one, and each item as the size of an object of its kind. Messages that are
   * made to become large take 0.6 to 1.05 times the estimate (lists of counts and boundaries a third: the estimate is that of views, whose
   * lists are frozen), items with repeated keys and strings take less, and a string outside Latin-1 takes up to twice its bytes.
   */
  readonly maxDecodedBytes?: number;
}

export type DecodeLimits = Required<DecodeOptions>;

/** See {@link DecodeOptions}. */
export const DECODE_DEFAULTS: Readonly<DecodeLimits> = Object.freeze({
  maxItems: 2_097_152,
  maxDecodedBytes: 268_435_456,
});

/** For messages whose length is bounded by who reads them. */
export const UNLIMITED: DecodeLimits = Object.freeze({
  maxItems: Number.POSITIVE_INFINITY,
  maxDecodedBytes: Number.POSITIVE_INFINITY,
});

export const DECODE_RULES = { maxItems: limit(1), maxDecodedBytes: limit(1) };

export function limitsOf(caller: string, options: DecodeOptions): DecodeLimits {
  return settingsOf(caller, DECODE_DEFAULTS, DECODE_RULES, options);
}

const HOLDS: Readonly<Record<keyof DecodeLimits, string>> = {
  maxItems: 'items (spans, log records, data points, and what they hold: events, attributes, elements of arrays)',
  maxDecodedBytes: 'bytes of heap',
};

/** The error for a message that would become larger than an option allows. */
export function messageTooLarge(option: keyof DecodeLimits, limits: DecodeLimits, length: number): SpanflowError {
  const message =
    `the request of ${length} bytes would become more than ${option} ${limits[option]} ${HOLDS[option]}: ` +
    `have the sender send smaller batches, or raise ${option} if the heap has room for it`;
  return new SpanflowError('MESSAGE_TOO_LARGE', message);
}
