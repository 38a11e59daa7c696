// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to variables are written so
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/index.ts';
import { readConfig } from '../../src/relay/config/readConfig.ts';
import { withVariables } from '../../src/relay/config/variables.ts';
import { type RelayConfig, relay } from '../../src/relay/index.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const SEND = { main: { url: 'http://backend' } };

/** The mistakes of a configuration, each in words. */
function mistakesOf(config: unknown): string[] {
  try {
    relay(config as RelayConfig);
  } catch (thrown) {
    if (thrown instanceof InvalidOptionError) return thrown.mistakes.map(({ message }) => message);
    throw thrown;
  }
  return [];
}

describe('a configuration is checked as a whole', () => {
  test('one with everything in it is right', () => {
    const config: RelayConfig = {
      receive: {
        http: { host: '127.0.0.1', port: 0, cors: { allowedOrigins: ['https://shop.example'] }, minBytesPerSecond: 0 },
        grpc: { port: 0 },
        acknowledge: 'accepted',
        bearerTokens: ['0123456789abcdef'],
        maxRequestBytes: 1_000,
      },
      process: {
        drop: [{ key: 'a' }, { key: 'b', values: ['x'], pattern: /y/ }],
        redact: { keys: ['c', '/d/i'], patterns: ['e+'], hash: { key: 'a key of sixteen bytes' } },
        enrich: { area: 'north' },
        spanMetrics: { dimensions: ['service.name'], temporality: 'delta' },
        tailSample: {
          maxWaitMillis: 5,
          policies: [
            { kind: 'errors' },
            { kind: 'all', policies: [{ kind: 'attribute', key: 'k', pattern: '^a' as never }] },
            { kind: 'not', policy: { kind: 'slow', overMillis: 1 } },
            { kind: 'shares', tracesPerSecond: 5, shares: [{ policy: { kind: 'errors' }, ratio: 0.5 }] },
          ],
        },
      },
      batch: { maxExportBatchSize: 10, maxQueueSize: 100 },
      send: {
        main: { ...SEND.main, headers: { a: 'b' }, retry: { maxAttempts: 3 }, timeoutMillis: 5 },
        copy: { url: 'localhost:4317', protocol: 'grpc', signals: ['traces'], required: false, compression: 'gzip' },
      },
      admin: { port: 0 },
      shutdownTimeoutMillis: 1,
    };
    expect(mistakesOf(config)).toEqual([]);
  });

  test.each<[unknown, readonly string[]]>([
    [[], ['relay must be an object, but was given an array of 0']],
    [{}, ['relay.send must be an object of one or more destinations, by their names, but was given undefined']],
    [{ sned: SEND, send: SEND }, ["relay.sned must be one of the known options; did you mean 'send'?"]],
    [
      { send: { main: { url: 'nowhere', retry: { maxAttempts: 0 } } } },
      [
        'relay.send.main.retry.maxAttempts must be a whole number from 1, or Infinity, but was given 0',
        'relay.send.main.url must be an http:// or https:// URL',
      ],
    ],
    [{ send: { main: {} } }, ['relay.send.main.url must be given, such as https://backend.example']],
    [
      { send: { main: { ...SEND.main, compresion: 'gzip', protocol: 'thrift' } } },
      [
        "relay.send.main.compresion must be one of the known options; did you mean 'compression'?",
        `relay.send.main.protocol must be one of 'http/protobuf', 'http/json', 'grpc', but was given "thrift"`,
      ],
    ],
    [
      { send: { main: { ...SEND.main, protocol: 'grpc', compression: 'zstd' } } },
      ['relay.send.main.compression must be'],
    ],
    [
      { send: { main: { ...SEND.main, signals: ['spans'] } } },
      ['relay.send.main.signals must be an array of one or more of traces, logs, metrics, each once'],
    ],
    [
      { send: { main: { ...SEND.main, required: false } } },
      ['traces', 'logs', 'metrics'].map((signal) => `relay.send must have a destination of ${signal} that is required`),
    ],
    // What is wrong with the one that is required is told, and no consequence of it.
    [
      { send: { main: { url: 'nowhere' }, copy: { ...SEND.main, required: false } } },
      ['relay.send.main.url must be an http:// or https:// URL'],
    ],
    [
      { send: { main: { signals: ['traces'] }, copy: { ...SEND.main, signals: ['traces'], required: false } } },
      ['relay.send.main.url must be given, such as https://backend.example'],
    ],
    [
      { send: SEND, receive: { http: { prot: 1, port: -1 }, maxQueueSize: 0, acknowledge: 'later' } },
      [
        "relay.receive.http.prot must be one of the known options; did you mean 'port'?",
        `relay.receive.acknowledge must be one of 'accepted', 'delivered', but was given "later"`,
        'relay.receive.maxQueueSize must be a whole number from 1, but was given 0',
      ],
    ],
    [
      { send: SEND, receive: { http: { port: -1 } } },
      ['relay.receive.http.port must be a whole number from 0 to 65535'],
    ],
    [
      { send: SEND, receive: { http: { tls: { certFile: '/absent', keyFle: 'x' } } } },
      [
        "relay.receive.http.tls.keyFle must be one of the known options; did you mean 'keyFile'?",
        'relay.receive.http.tls.certFile must be the name of a file that can be read (ENOENT',
        'relay.receive.http.tls',
      ],
    ],
    [
      { send: SEND, batch: { maxExportBatchSize: 5, maxQueueSize: 4 } },
      ['relay.batch.maxExportBatchSize must be a whole number from 1 to 4, but was given 5'],
    ],
    [
      { send: SEND, process: { drop: [{}, { key: 'a', pattern: '(' }], redact: { keys: [1] }, enrich: 3 } },
      [
        `relay.process.drop[1].pattern must be a regular expression, but was given "("`,
        'relay.process.drop[0].key must be a string, but was given undefined',
        'relay.process.redact.keys must be an array of keys and regular expressions',
        'relay.process.enrich must be an object of attributes, or a function that returns one, but was given 3',
      ],
    ],
    [
      { send: SEND, process: { tailSample: { policies: [{ kind: 'eror' }] } } },
      ['relay.process.tailSample.policies[0].kind must be'],
    ],
    [
      {
        send: SEND,
        receive: { acknowledge: 'delivered' },
        process: { tailSample: { policies: [{ kind: 'errors' }] } },
      },
      ["relay.process.tailSample must be left out where receive.acknowledge is 'delivered'"],
    ],
    [
      { send: { main: { ...SEND.main, signals: ['traces'] } }, process: { spanMetrics: {} } },
      ['relay.process.spanMetrics must be left out unless a destination takes metrics'],
    ],
    [
      { send: SEND, admin: { port: 'x' }, shutdownTimeoutMillis: 0 },
      [
        'relay.shutdownTimeoutMillis must be a duration in milliseconds, from 1 to 2147483647',
        `relay.admin.port must be a whole number from 0 to 65535, but was given "x"`,
      ],
    ],
  ])('%j', (config, expected) => {
    const mistakes = mistakesOf(config);
    expect(mistakes).toEqual(expected.map((message) => expect.stringContaining(message)));
  });

  test('a secret is not shown', () => {
    const config = { send: SEND, receive: { bearerTokens: ['short'] }, process: { redact: { hash: { key: 'tiny' } } } };
    expect(mistakesOf(config).join()).not.toMatch(/short|tiny/);
  });

  test.each(['-----BEGIN PRIVATE KEY----- c2VjcmV0', 'c2VjcmV0\nc2VjcmV0\n'])(
    'a key in the place of the name of its file is not shown (%j)',
    (keyFile) => {
      const config = {
        receive: { http: { tls: { keyFile } } },
        send: { main: { ...SEND.main, url: 'https://backend', tls: { keyFile } } },
      };
      const mistakes = mistakesOf(config);
      const sentence = 'must be the name of a file, but was given what looks like its content, which is not shown';
      expect(mistakes).toContain(`relay.receive.http.tls.keyFile ${sentence}`);
      expect(mistakes).toContain(`relay.send.main.tls.keyFile ${sentence}`);
      expect(mistakes.join()).not.toContain('c2VjcmV0');
    },
  );

  test('beside a composition of the program, what says the way is refused', () => {
    expect(() => relay({ send: SEND, batch: {} }, { compose: () => [] })).toThrow(
      /relay\.batch must be left out, because .*; relay\.send must be left out/,
    );
  });
});

describe('variables', () => {
  const ENVIRONMENT = { HOST: 'backend', EMPTY: '', PORT: '4318' };

  test.each([
    ['http://${HOST}:${PORT}', 'http://backend:4318'],
    ['${env:HOST}', 'backend'],
    ['${EMPTY:-fallback}${ABSENT:-x:-y}', 'fallbackx:-y'],
    ['[${ABSENT}]', '[]'],
    ['$$HOST $${HOST} $HOST $', '$HOST ${HOST} $HOST $'],
  ])('%s is %s', (text, expected) => {
    expect(withVariables(text, ENVIRONMENT, '')).toBe(expected);
  });

  test('those that are not set and have no default are told; empty ones are as somebody wanted them', () => {
    const unset: string[] = [];
    withVariables(
      '${ABSENT}${EMPTY}${ALSO_ABSENT:-x}${ALSO_EMPTY:-}$${NOT_ONE}${env:OTHER}',
      ENVIRONMENT,
      'at "url"',
      (name, place) => unset.push(`${name} ${place}`),
    );
    expect(unset).toEqual(['ABSENT at "url"', 'OTHER at "url"']);
  });

  test.each(['${1A}', '${}', '${A B}', '${A:?wrong}'])(
    '%s is refused, and not shown: it may be of a secret',
    (text) => {
      const message =
        'what stands in braces at "token" is no reference to a variable: write ${NAME} or ${NAME:-default}';
      const error = mistakeOf(() => withVariables(text, ENVIRONMENT, 'at "token"'));
      expect(error.message).toContain(message);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(text);
    },
  );
});

test('the configurations of the page of the relay are right', () => {
  const page = readFileSync(new URL('../../src/relay/README.md', import.meta.url), 'utf8');
  const configs = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, yaml = '']) => {
    const file = join(temporaryFolder(), 'relay.yaml');
    writeFileSync(file, yaml);
    return readConfig(file, { RELAY_TOKEN: '0123456789abcdef', TOKEN: 'x' });
  });
  expect(configs.map(Object.keys)).toEqual([['receive', 'process', 'send', 'admin'], ['process']]);
  expect(configs.flatMap((config) => mistakesOf({ send: SEND, ...config }))).toEqual([]);
});

describe('a file', () => {
  const fileOf = (name: string, text: string) => {
    const file = join(temporaryFolder(), name);
    writeFileSync(file, text);
    return file;
  };

  const YAML = `
receive:
  http:
    port: \${PORT}
  grpc:
  bearerTokens:
send:
  main:
    url: http://\${HOST:-localhost}:4318
    headers: { "authorization": "Bearer \${TOKEN}", number: "\${PORT}" }
    required: \${REQUIRED:-true}
    signals:
      - \${SIGNAL}
`;

  test('in YAML: a variable without quotes is what YAML takes it for, and never more than a scalar', () => {
    const environment = { PORT: '4000', TOKEN: 'a: b', SIGNAL: '[traces, logs]' };
    expect(readConfig(fileOf('relay.yaml', YAML), environment)).toEqual({
      receive: { http: { port: 4000 }, grpc: {} },
      send: {
        main: {
          url: 'http://localhost:4318',
          headers: { authorization: 'Bearer a: b', number: '4000' },
          required: true,
          signals: ['[traces, logs]'],
        },
      },
    });
  });

  test('in JSON', () => {
    const text = '{ "send": { "main": { "url": "http://${HOST}" } }, "admin": null }';
    expect(readConfig(fileOf('relay.json', text), { HOST: 'backend' })).toEqual({ send: SEND, admin: {} });
  });

  test('says which variables are not set, and where', () => {
    const unset: string[] = [];
    const onUnset = (name: string, place: string) => unset.push(`${name} ${place}`);
    readConfig(fileOf('relay.yaml', YAML), { PORT: '4000', SIGNAL: 'logs' }, onUnset);
    readConfig(fileOf('relay.json', '{ "url": "${HOST}" }'), {}, onUnset);
    expect(unset).toEqual(['TOKEN at line 10, column 33', 'HOST at "url"']);
  });

  test('an empty one says nothing', () => {
    expect(readConfig(fileOf('relay.yaml', '# nothing\n'), {})).toEqual({});
  });

  test.each([
    [
      'relay.yaml',
      'send: [',
      /relay\.yaml cannot be read as a configuration: it is not valid YAML at line 1, column 8: the indentation is wrong/,
    ],
    ['relay.yaml', 'a: 1\na: 2\n', /it is not valid YAML at line 2, column 1: a key is there twice$/],
    ['relay.yaml', 'a: 1\nb: *c\n', /it is not valid YAML at line 2, column 4: no anchor has the name of this alias/],
    ['relay.yaml', 'send: ${1}', /relay\.yaml .*: what stands in braces at line 1, column 7 is no reference/],
    ['relay.json', '{ "send": { "to": "${1}" } }', /relay\.json .*: what stands in braces at "to" is no reference/],
    ['relay.json', '{', /relay\.json cannot be read as a configuration: it is not valid JSON at line 1, column 2$/],
    ['relay.json', '{ "a": secret }', /it is not valid JSON at line 1, column 8$/],
    [
      'relay.json',
      '{\n  "token": "secret",\n  "other": secret,\n  "more": "a longer secret"\n}',
      /JSON at line 3, column 12$/,
    ],
    ['relay.json', '{\n  "token": "secret"\n  "other": 1\n}', /JSON at line 3, column 3$/],
    ['relay.json', '{ "token": "secret"', /JSON at line 1, column 20$/],
    ['relay.json', '', /JSON at line 1, column 1$/],
  ])('%s with %j is refused, and says where', (name, text, message) => {
    expect(() => readConfig(fileOf(name, text), {})).toThrow(message);
  });

  test.each([
    ...['token: *s3cret', 'token: !e!s3cret x', 'token: |s3cret\n x', 'token: >s3cret\n x', 'token: "\\us3cret"'],
    ...['%YAML s3cret\n---\n1', 'token: s3cret: x', 'token: @s3cret', 'token: "s3cret', 's3cret: 1\ns3cret: 2'],
    ...['token: *s3cret.x', '? s3cret\n: [a', 'a: 1\n--- s3cret\nb', 'token: !<s3cret x', 'token: "\\xs3cret"'],
  ])('in YAML with the mistake %j shows nothing of its text', (text) => {
    const error = mistakeOf(() => readConfig(fileOf('relay.yaml', text), {}));
    expect(error.message).toMatch(
      /relay\.yaml cannot be read as a configuration: it is not valid YAML at line \d+, column \d+/,
    );
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3c');
  });
});

function mistakeOf(work: () => unknown): Error {
  try {
    work();
  } catch (thrown) {
    return thrown as Error;
  }
  throw new Error('nothing was thrown');
}
