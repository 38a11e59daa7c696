import { Buffer } from 'node:buffer';
import { expect } from 'vitest';
import { receivedBytes } from '../../../src/model/received.ts';
import {
  decodeLogsJson,
  decodeMetricsJson,
  decodeTracesJson,
  encodeLogsJson,
  encodeMetricsJson,
  encodeTracesJson,
} from '../../../src/otlp/index.ts';
import {
  type JsonMessage,
  logsRequestJson,
  metricsRequestJson,
  traceRequestJson,
} from '../../../src/otlp/json/read/jsonSchema.ts';
import { wireOf } from '../../../src/otlp/json/read/jsonWire.ts';
import { viewLogsJson } from '../../../src/otlp/logs/decode/viewLogsJson.ts';
import { viewMetricsJson } from '../../../src/otlp/metrics/decode/viewMetricsJson.ts';
import { DECODE_DEFAULTS, type DecodeLimits } from '../../../src/otlp/protobuf/decodeLimits.ts';
import { viewTracesJson } from '../../../src/otlp/traces/decode/viewTracesJson.ts';
import { expectAlike, SIGNALS, type ViewedSignal } from './signals.ts';

type Read = (json: string | Uint8Array, options?: object) => object[];

/** A signal whose requests are written in JSON. */
export interface JsonSignal extends ViewedSignal {
  readonly message: () => JsonMessage;
  readonly toJson: (items: object[]) => Uint8Array;
  readonly decodeJson: Read;
  readonly viewJson: Read;
}

const JSON_OF = [
  { message: traceRequestJson, toJson: encodeTracesJson, decodeJson: decodeTracesJson, viewJson: viewTracesJson },
  { message: logsRequestJson, toJson: encodeLogsJson, decodeJson: decodeLogsJson, viewJson: viewLogsJson },
  { message: metricsRequestJson, toJson: encodeMetricsJson, decodeJson: decodeMetricsJson, viewJson: viewMetricsJson },
];

export const JSON_SIGNALS = SIGNALS.map((signal, index) => ({ ...signal, ...JSON_OF[index] })) as unknown as [
  JsonSignal,
  JsonSignal,
  JsonSignal,
];

/** The items, or the code of the error. */
type Outcome = object[] | 'MALFORMED_MESSAGE' | 'MESSAGE_TOO_LARGE';

/** Read as the protobuf message that it means, and by nothing else. */
function strictly({ message, decode }: JsonSignal, json: string, limits: DecodeLimits): Outcome {
  try {
    return decode(Uint8Array.from(wireOf(json, message(), limits)), limits);
  } catch (thrown) {
    return (thrown as { code?: string }).code === 'MESSAGE_TOO_LARGE' ? 'MESSAGE_TOO_LARGE' : 'MALFORMED_MESSAGE';
  }
}

function outcomeOf(read: () => object[]): Outcome {
  try {
    return read();
  } catch (thrown) {
    const { name, code } = thrown as { name: string; code: Outcome };
    expect(name).toBe('SpanflowError');
    return code;
  }
}

/** Whether the items are read from the parsed JSON when they are asked for. */
export function areViews(items: readonly object[]): boolean {
  return items.every((item) => receivedBytes(item) !== undefined);
}

/** Views and decoded items have the verdict of the strict way, and hold what it reads. Returns whether they are views. */
export function expectStrict(signal: JsonSignal, json: string, limits: Partial<DecodeLimits> = {}): boolean {
  const expected = strictly(signal, json, { ...DECODE_DEFAULTS, ...limits });
  const views = outcomeOf(() => signal.viewJson(Buffer.from(json), limits));
  const decoded = outcomeOf(() => signal.decodeJson(json, limits));
  if (typeof expected === 'string') {
    expect([views, decoded]).toEqual([expected, expected]);
    return false;
  }
  if (typeof views === 'string' || typeof decoded === 'string')
    throw new Error(`${views} and ${decoded} of what is read the strict way: ${json}`);
  expect(decoded).toEqual(expected);
  expectAlike(views, expected);
  expect(encoded(signal, views)).toEqual(encoded(signal, expected));
  return views.length > 0 && areViews(views);
}

/** The bytes, or why there are none: an id may be missing. */
function encoded({ encode }: JsonSignal, items: object[]): Uint8Array | string {
  try {
    return encode(items);
  } catch (thrown) {
    return (thrown as Error).message;
  }
}
