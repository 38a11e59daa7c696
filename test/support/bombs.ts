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
/** An id that none of the others is. */
const idOf = (index: number, bytes: number) => Buffer.from(String(index).padStart(bytes, '0'));
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
  'records with a trace id': (count) => records(many(count, (index) => record(field(9, idOf(index, 16))))),
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

/** One metric with data of this field. */
const metric = (data: number, ...points: Buffer[]) => records(record(field(data, ...points)));
const point = (...fields: Buffer[]) => field(1, ...fields);
const GAUGE = 5;
const HISTOGRAM = 9;
const EXPONENTIAL = 10;
const SUMMARY = 11;
/** A number of eight bytes in a field of its own. */
const eight = (number: number, value: number) => Buffer.from([number * 8 + 1, value, 0, 0, 0, 0, 0, 0x20, 0x40]);

/** The same for metrics. */
export const metricBombs: Readonly<Record<string, (count: number) => Buffer>> = {
  'metrics of one empty point': (count) => records(many(count, () => record(field(GAUGE, point())))),
  'metrics of every text': (count) =>
    records(
      many(count, (index) =>
        record(
          field(1, text(`n${index}`)),
          field(2, text(`d${index}`)),
          field(3, text(`u${index}`)),
          field(GAUGE, point()),
        ),
      ),
    ),
  'metrics with metadata': (count) =>
    records(many(count, (index) => record(field(12, keyValue(index)), field(GAUGE, point())))),
  'entries of metadata': (count) =>
    records(
      record(
        many(count, (index) => field(12, keyValue(index))),
        field(GAUGE, point()),
      ),
    ),
  'empty numbers': (count) =>
    metric(
      GAUGE,
      many(count, () => point()),
    ),
  doubles: (count) =>
    metric(
      GAUGE,
      many(count, (index) => point(eight(4, index % 255))),
    ),
  'integers beyond 2^53': (count) =>
    metric(
      GAUGE,
      many(count, (index) => point(eight(6, index % 255))),
    ),
  'points of one attribute': (count) =>
    metric(
      GAUGE,
      many(count, (index) => point(field(7, keyValue(index)))),
    ),
  'points of one exemplar': (count) =>
    metric(
      GAUGE,
      many(count, () => point(field(5))),
    ),
  exemplars: (count) => metric(GAUGE, point(many(count, () => field(5)))),
  'exemplars with ids': (count) =>
    metric(GAUGE, point(many(count, (index) => field(5, field(4, idOf(index, 8)), field(5, idOf(index, 16)))))),
  'empty histograms': (count) =>
    metric(
      HISTOGRAM,
      many(count, () => point()),
    ),
  'histograms with extremes': (count) =>
    metric(
      HISTOGRAM,
      many(count, (index) => point(eight(5, index % 255), eight(11, index % 255), eight(12, index % 255))),
    ),
  'histograms of one bucket': (count) =>
    metric(
      HISTOGRAM,
      many(count, () => point(field(6, Buffer.alloc(8)), eight(7, 1))),
    ),
  'counts of a histogram': (count) => metric(HISTOGRAM, point(field(6, Buffer.alloc(8 * count)))),
  'large counts of a histogram': (count) => metric(HISTOGRAM, point(field(6, Buffer.alloc(8 * count, 7)))),
  'counts in fields of their own': (count) => metric(HISTOGRAM, point(many(count, (index) => eight(6, index % 255)))),
  'boundaries of a histogram': (count) => metric(HISTOGRAM, point(field(7, Buffer.alloc(8 * count, 7)))),
  'empty exponential histograms': (count) =>
    metric(
      EXPONENTIAL,
      many(count, () => point()),
    ),
  'exponential histograms with extremes': (count) =>
    metric(
      EXPONENTIAL,
      many(count, (index) =>
        point(
          eight(5, index % 255),
          eight(12, index % 255),
          eight(13, index % 255),
          eight(14, index % 255),
          field(8, field(2, Buffer.of(1))),
          field(9, field(2, Buffer.of(1))),
        ),
      ),
    ),
  'small counts of an exponential histogram': (count) =>
    metric(EXPONENTIAL, point(field(8, field(2, Buffer.alloc(count, 1))))),
  'large counts of an exponential histogram': (count) =>
    metric(
      EXPONENTIAL,
      point(
        field(
          9,
          field(
            2,
            many(count, () => Buffer.from('ffffffffffff7f', 'hex')),
          ),
        ),
      ),
    ),
  'small counts in fields of their own': (count) =>
    metric(
      EXPONENTIAL,
      point(
        field(
          8,
          many(count, () => Buffer.of(0x10, 1)),
        ),
      ),
    ),
  'empty summaries': (count) =>
    metric(
      SUMMARY,
      many(count, () => point()),
    ),
  'summaries of one quantile': (count) =>
    metric(
      SUMMARY,
      many(count, () => point(field(6))),
    ),
  quantiles: (count) => metric(SUMMARY, point(many(count, (index) => field(6, eight(1, index % 255), eight(2, 1))))),
};
