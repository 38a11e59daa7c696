// Small messages of which much becomes, each with a number of things of one kind.

/** A field that has a length. */
export function field(number: number, ...content: readonly Uint8Array[]): Buffer {
  const inside = Buffer.concat(content);
  return Buffer.concat([varint(number * 8 + 2), varint(inside.length), inside]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

function many(count: number, make: (index: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
}

const NOTHING: Buffer = Buffer.alloc(0);
const text = (value: unknown) => Buffer.from(`${value}`);
const request = (spans: Buffer) => field(1, field(2, spans));
const span = (...fields: Buffer[]) => field(2, ...fields);
/** With a key that is no array index. */
const keyValue = (key: unknown, value = NOTHING) => Buffer.concat([field(1, text(`k${key}`)), field(2, value)]);
/** With one that is, and behind which the engine leaves room for many. */
const indexed = field(1, text(1000));
/** In one attribute, an array of so many values. */
const elements = (count: number, value: (index: number) => Buffer) =>
  request(
    span(
      field(
        9,
        keyValue(
          'a',
          field(
            5,
            many(count, (index) => field(1, value(index))),
          ),
        ),
      ),
    ),
  );

export const bombs: Readonly<Record<string, (count: number) => Buffer>> = {
  'empty spans': (count) => request(many(count, () => span())),
  'empty resources': (count) => many(count, () => field(1)),
  'empty scopes': (count) =>
    field(
      1,
      many(count, () => field(2)),
    ),
  'scopes of one empty span': (count) =>
    field(
      1,
      many(count, () => field(2, span())),
    ),
  'spans with trace states': (count) => request(many(count, (index) => span(field(3, text(index))))),
  'empty events': (count) => request(span(many(count, () => field(11)))),
  'spans with one event': (count) => request(many(count, () => span(field(11)))),
  'empty links': (count) => request(span(many(count, () => field(13)))),
  'links with trace states': (count) => request(span(many(count, (index) => field(13, field(3, text(index)))))),
  attributes: (count) => request(span(many(count, (index) => field(9, keyValue(index, field(1, text(index))))))),
  'attributes of an event': (count) =>
    request(
      span(
        field(
          11,
          many(count, (index) => field(3, keyValue(index))),
        ),
      ),
    ),
  'attributes of a link': (count) =>
    request(
      span(
        field(
          13,
          many(count, (index) => field(4, keyValue(index))),
        ),
      ),
    ),
  'attributes of a resource': (count) =>
    field(
      1,
      field(
        1,
        many(count, (index) => field(1, keyValue(index))),
      ),
    ),
  'attributes of a scope': (count) =>
    field(
      1,
      field(
        2,
        field(
          1,
          many(count, (index) => field(3, keyValue(index))),
        ),
      ),
    ),
  'spans of one attribute': (count) => request(many(count, (index) => span(field(9, keyValue(index))))),
  'empty elements': (count) => elements(count, () => NOTHING),
  texts: (count) => elements(count, (index) => field(1, text(index))),
  'empty arrays': (count) => elements(count, () => field(5)),
  'arrays of one': (count) => elements(count, () => field(5, field(1))),
  'empty maps': (count) => elements(count, () => field(6)),
  'maps of one': (count) => elements(count, (index) => field(6, field(1, keyValue(index)))),
  'spans of an index': (count) => request(many(count, () => span(field(9, indexed)))),
  'maps of an index': (count) => elements(count, () => field(6, field(1, indexed))),
  'no bytes': (count) => elements(count, () => field(7)),
};

const records = (logs: Buffer) => field(1, field(2, logs));
const record = (...fields: Buffer[]) => field(2, ...fields);
/** In one body. */
const bodyOf = (...fields: Buffer[]) => records(record(field(5, ...fields)));

/** The same for logs; what is around the records is as in requests of spans. */
export const logBombs: Readonly<Record<string, (count: number) => Buffer>> = {
  'empty records': (count) => records(many(count, () => record())),
  'scopes of one empty record': (count) =>
    field(
      1,
      many(count, () => field(2, record())),
    ),
  'records with a trace id': (count) => records(many(count, (index) => record(field(9, text(index))))),
  'records with every text': (count) =>
    records(
      many(count, (index) =>
        record(field(3, text(`s${index}`)), field(12, text(`e${index}`)), field(5, field(1, text(index)))),
      ),
    ),
  'records with a body of nothing': (count) => records(many(count, () => record(field(5)))),
  'records with a body of bytes': (count) => records(many(count, () => record(field(5, field(7))))),
  'records of one attribute': (count) => records(many(count, (index) => record(field(6, keyValue(index))))),
  'entries of a body': (count) =>
    bodyOf(
      field(
        6,
        many(count, (index) => field(1, keyValue(index))),
      ),
    ),
  'elements of a body': (count) =>
    bodyOf(
      field(
        5,
        many(count, () => field(1)),
      ),
    ),
};
