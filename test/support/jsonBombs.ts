/** Requests in JSON that take little text for what they become: of each signal, by what they have many of. */

type Bomb = (count: number) => string;

const many = (count: number, text: string): string => `[${`${text},`.repeat(count).slice(0, -1)}]`;
const spans = (list: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":${list}}]}]}`;
const records = (list: string) => `{"resourceLogs":[{"scopeLogs":[{"logRecords":${list}}]}]}`;
const points = (type: string, list: string) =>
  `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"${type}":{"dataPoints":${list}}}]}]}]}`;
const fieldsOfTheirOwn = (count: number) => Array.from({ length: count }, (_, at) => `"u${at}":0`);
const attribute = (value: string) => `[{"key":"k","value":${value}}]`;

export const spanJsonBombs: Readonly<Record<string, Bomb>> = {
  spans: (count) => spans(many(count, '{}')),
  resources: (count) => `{"resourceSpans":${many(count, '{"scopeSpans":[{"spans":[{}]}]}')}}`,
  attributes: (count) => spans(`[{"attributes":${many(count, '{}')}}]`),
  'attributes of their own': (count) =>
    spans(`[{"attributes":[${Array.from({ length: count }, (_, at) => `{"key":"k${at}"}`)}]}]`),
  'spans of one attribute': (count) => spans(many(count, `{"attributes":${attribute('{"stringValue":"v"}')}}`)),
  'keys that are indices': (count) => spans(many(count, '{"attributes":[{"key":"400"}]}')),
  arrays: (count) =>
    spans(`[{"attributes":${attribute(`{"arrayValue":{"values":${many(count, '{"arrayValue":{}}')}}}`)}}]`),
  maps: (count) =>
    spans(`[{"attributes":${attribute(`{"arrayValue":{"values":${many(count, '{"kvlistValue":{}}')}}}`)}}]`),
  events: (count) => spans(`[{"events":${many(count, '{}')}}]`),
  links: (count) => spans(`[{"links":${many(count, '{}')}}]`),
  'fields of many names': (count) => spans(`[{${fieldsOfTheirOwn(count)}}]`),
  'spans with a field of their own': (count) => spans(`[{${fieldsOfTheirOwn(count).join('},{')}}]`),
  'unknown fields': (count) => spans(many(count, '{"u":[{}]}')),
};

export const logJsonBombs: Readonly<Record<string, Bomb>> = {
  records: (count) => records(many(count, '{}')),
  bodies: (count) => records(many(count, '{"body":{"stringValue":"b"}}')),
  contexts: (count) => records(many(count, '{"flags":1}')),
};

export const metricJsonBombs: Readonly<Record<string, Bomb>> = {
  numbers: (count) => points('gauge', many(count, '{}')),
  histograms: (count) => points('histogram', many(count, '{}')),
  'exponential histograms': (count) => points('exponentialHistogram', many(count, '{}')),
  summaries: (count) => points('summary', many(count, '{"quantileValues":[{}]}')),
  exemplars: (count) => points('gauge', `[{"exemplars":${many(count, '{}')}}]`),
  'boundaries of a histogram': (count) => points('histogram', `[{"explicitBounds":${many(count, '0.5')}}]`),
  metrics: (count) =>
    `{"resourceMetrics":[{"scopeMetrics":[{"metrics":${many(count, '{"sum":{"dataPoints":[{}]}}')}}]}]}`,
};
