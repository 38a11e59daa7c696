import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeResponseJson, decodeStatusJson } from '../../src/otlp/responses/jsonResponse.ts';
import { decodeResponse, decodeStatus } from '../../src/otlp/responses/response.ts';
import { randomRuns } from '../support/randomRuns.ts';

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

/** `ExportTraceServiceResponse { partial_success { rejected_spans, error_message } }`: other signals have the same numbers. */
function response(rejected: string, message = ''): Buffer {
  const text = Buffer.from(message);
  const partial = Buffer.concat([hex(rejected), text.length > 0 ? Buffer.of(0x12, text.length) : hex(''), text]);
  return Buffer.concat([Buffer.of(0x0a, partial.length), partial]);
}

const typed = expect.objectContaining({ name: 'SpanflowError', code: 'MALFORMED_MESSAGE' });

describe('the body of a success', () => {
  test('that is empty says that all arrived', () => {
    expect(decodeResponse(new Uint8Array(0))).toEqual({ rejected: 0, message: '' });
    expect(decodeResponse(hex('0a00'))).toEqual({ rejected: 0, message: '' });
  });

  test('says how many were rejected, and why', () => {
    expect(decodeResponse(response('0807', 'too old'))).toEqual({ rejected: 7, message: 'too old' });
    expect(decodeResponse(response('', 'a warning'))).toEqual({ rejected: 0, message: 'a warning' });
  });

  test.each(['rejectedSpans', 'rejectedLogRecords', 'rejectedDataPoints'])(
    'says in JSON as %s how many were rejected',
    (name) => {
      const partialSuccess = { [name]: '7', errorMessage: 'too old' };
      const body = Buffer.from(JSON.stringify({ partialSuccess }));
      expect(decodeResponseJson(body)).toEqual({ rejected: 7, message: 'too old' });
    },
  );

  test('with a count out of range is brought into range', () => {
    expect(decodeResponse(response('08ffffffffffffffffff01')).rejected).toBe(0);
    expect(decodeResponse(response('08ffffffffffffffff7f')).rejected).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('the body of a failure', () => {
  test('is its message, or else its code, or else empty', () => {
    expect(decodeStatus(hex('0803120474657374'))).toBe('test');
    expect(decodeStatus(hex('0803'))).toBe('code 3');
    expect(decodeStatus(new Uint8Array(0))).toBe('');
  });

  test('with details keeps its message', () => {
    expect(decodeStatus(hex('08031204746573741a020a00'))).toBe('test');
  });

  test('is clipped where it is long', () => {
    const text = Buffer.alloc(100_000, 'x');
    const message = decodeStatus(Buffer.concat([hex('12a08d06'), text]));
    expect(message).toHaveLength(1025);
    expect(message.endsWith('x…')).toBe(true);
  });
});

describe('any other body', () => {
  test.each(['0a', '0aff', '0c', '02', '0a020a'])('such as %s is refused by the typed error', (body) => {
    expect(() => decodeResponse(hex(body))).toThrow(typed);
    expect(() => decodeStatus(hex(body))).toThrow(typed);
  });

  test('such as a page of HTML is refused by the typed error', () => {
    expect(() => decodeStatus(Buffer.from('<html><body>Bad Gateway</body></html>'))).toThrow(typed);
  });

  test('of more than 4 MiB is refused unread', () => {
    const huge = new Uint8Array(4 * 1024 * 1024 + 1);
    expect(() => decodeResponse(huge)).toThrow('a response of 4194305 bytes is over 4194304');
    expect(() => decodeStatus(huge)).toThrow('a response of 4194305 bytes is over 4194304');
    expect(() => decodeStatus(huge)).toThrow(typed);
  });

  test('of random bytes ends in an answer or in the typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        for (const decode of [decodeResponse, decodeStatus]) {
          try {
            decode(bytes);
          } catch (thrown) {
            expect(thrown).toEqual(typed);
          }
        }
      }),
      randomRuns(2000),
    );
  });
});

describe('the message of a server', () => {
  const hostile = 'no\r\n\x1b[2J\x9b2J\u202eevil\u2028x';
  const line = String.raw`no\r\n\u001b[2J\u009b2J\u202eevil\u2028x`;
  const json = (value: object) => Buffer.from(JSON.stringify(value));

  test('is one line without control characters, in protobuf and in JSON', () => {
    const text = Buffer.from(hostile);
    expect(decodeResponse(response('0801', hostile))).toEqual({ rejected: 1, message: line });
    expect(decodeStatus(Buffer.concat([Buffer.of(0x12, text.length), text]))).toBe(line);
    const partialSuccess = { rejectedSpans: '1', errorMessage: hostile };
    expect(decodeResponseJson(json({ partialSuccess }))).toEqual({ rejected: 1, message: line });
    expect(decodeStatusJson(json({ code: 3, message: hostile }))).toBe(line);
  });

  test('is clipped after it is escaped', () => {
    const text = Buffer.alloc(100_000, '\n');
    const message = decodeStatus(Buffer.concat([hex('12a08d06'), text]));
    expect(message).toBe(`${'\\n'.repeat(512)}…`);
  });

  test.each([`\x1b[2J\r\n`, `{"partialSuccess":"\x9b2J"}`, `{"partialSuccess":{"rejectedSpans":"\u202e\x9b"}}`])(
    'is escaped in errors too, and in their causes: case %#',
    (body) => {
      let thrown: unknown;
      try {
        decodeResponseJson(Buffer.from(body));
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toEqual(typed);
      for (let error = thrown; error instanceof Error; error = error.cause)
        expect(error.message).not.toMatch(/[\p{Cc}\u202e]/u);
    },
  );
});
