// OTLP trace messages as a protobuf walker needs them, written out by hand: the tests' own view, which shares nothing with src.

export type Scalar =
  | 'string'
  | 'hex'
  | 'base64'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'bool'
  | 'double'
  | 'fixed32'
  | 'fixed64';

/** `one`: absent where it is the default. `many`: repeated. `set`: member of a oneof, present even where it is the default. */
export type Presence = 'one' | 'many' | 'set';

export interface Field {
  readonly name: string;
  readonly of: Scalar | (() => Table);
  readonly presence: Presence;
}

export type Table = Readonly<Record<number, Field>>;

function one(name: string, of: Field['of']): Field {
  return { name, of, presence: 'one' };
}

function many(name: string, of: Field['of']): Field {
  return { name, of, presence: 'many' };
}

function set(name: string, of: Field['of']): Field {
  return { name, of, presence: 'set' };
}

const anyValue: Table = {
  1: set('stringValue', 'string'),
  2: set('boolValue', 'bool'),
  3: set('intValue', 'int64'),
  4: set('doubleValue', 'double'),
  5: set('arrayValue', () => ({ 1: many('values', () => anyValue) })),
  6: set('kvlistValue', () => ({ 1: many('values', () => keyValue) })),
  7: set('bytesValue', 'base64'),
};

const keyValue: Table = { 1: one('key', 'string'), 2: one('value', () => anyValue) };

const resource: Table = {
  1: many('attributes', () => keyValue),
  2: one('droppedAttributesCount', 'uint32'),
  3: many('entityRefs', () => ({
    1: one('schemaUrl', 'string'),
    2: one('type', 'string'),
    3: many('idKeys', 'string'),
    4: many('descriptionKeys', 'string'),
  })),
};

const scope: Table = {
  1: one('name', 'string'),
  2: one('version', 'string'),
  3: many('attributes', () => keyValue),
  4: one('droppedAttributesCount', 'uint32'),
};

const event: Table = {
  1: one('timeUnixNano', 'fixed64'),
  2: one('name', 'string'),
  3: many('attributes', () => keyValue),
  4: one('droppedAttributesCount', 'uint32'),
};

const link: Table = {
  1: one('traceId', 'hex'),
  2: one('spanId', 'hex'),
  3: one('traceState', 'string'),
  4: many('attributes', () => keyValue),
  5: one('droppedAttributesCount', 'uint32'),
  6: one('flags', 'fixed32'),
};

const span: Table = {
  1: one('traceId', 'hex'),
  2: one('spanId', 'hex'),
  3: one('traceState', 'string'),
  4: one('parentSpanId', 'hex'),
  5: one('name', 'string'),
  6: one('kind', 'int32'),
  7: one('startTimeUnixNano', 'fixed64'),
  8: one('endTimeUnixNano', 'fixed64'),
  9: many('attributes', () => keyValue),
  10: one('droppedAttributesCount', 'uint32'),
  11: many('events', () => event),
  12: one('droppedEventsCount', 'uint32'),
  13: many('links', () => link),
  14: one('droppedLinksCount', 'uint32'),
  15: one('status', () => ({ 2: one('message', 'string'), 3: one('code', 'int32') })),
  16: one('flags', 'fixed32'),
};

const scopeSpans: Table = { 1: one('scope', () => scope), 2: many('spans', () => span), 3: one('schemaUrl', 'string') };

const resourceSpans: Table = {
  1: one('resource', () => resource),
  2: many('scopeSpans', () => scopeSpans),
  3: one('schemaUrl', 'string'),
};

export const traceRequestTable: Table = { 1: many('resourceSpans', () => resourceSpans) };
