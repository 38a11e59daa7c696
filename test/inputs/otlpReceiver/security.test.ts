// Who may send: tokens, TLS, certificates of clients, and pages of other sites.

import { request } from 'node:https';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../../src/index.ts';
import { type OtlpReceiverOptions, otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import { authority } from '../../support/httpCertificates.ts';
import { JSON_TYPE, jsonOf, open, post } from './support.ts';

const TOKENS = ['a-token-of-some-length', 'another-token-of-ours'];

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (thrown) {
    return thrown;
  }
}

describe('bearer tokens', () => {
  test.each([
    [undefined, 401],
    ['Bearer a-token-of-some-lengtH', 401],
    ['Bearer a-token-of-some-length-and-more', 401],
    ['Bearer a', 401],
    ['Basic a-token-of-some-length', 401],
    ['Bearer ', 401],
    ['Bearer a-token-of-some-length', 200],
    ['bearer another-token-of-ours', 200],
  ])('%s: %d', async (authorization, status) => {
    const { url, batches } = await open({ bearerTokens: TOKENS });
    const answer = await post(url, jsonOf('a'), { ...JSON_TYPE, ...(authorization && { authorization }) });
    expect([answer.status, batches.length]).toEqual([status, status === 200 ? 1 : 0]);
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
  });

  test('are long, and no message shows them', () => {
    expect(() => otlpReceiver({ bearerTokens: [] })).toThrow(/bearerTokens must be an array of one or more tokens/);
    expect(() => otlpReceiver({ bearerTokens: ['secret'] })).toThrow(/16 characters/);
  });

  test.each<[string, unknown]>([
    ['a text', 'my-secret-of-some-length'],
    ['an object', { token: 'my-secret-of-some-length' }],
    ['an array with a short one', ['my-secret-of-some-length', 'secret']],
    ['an array with what is no text', ['my-secret-of-some-length', { token: 'secret' }]],
  ])('given as %s, are shown nowhere in the error', (_, bearerTokens) => {
    const thrown = thrownBy(() => otlpReceiver({ bearerTokens } as OtlpReceiverOptions));
    expect(thrown).toBeInstanceOf(InvalidOptionError);
    expect(inspect(thrown, { depth: 10 }).replace(/^ +at .*$/gm, '')).not.toMatch(/secret/);
  });
});

describe('TLS', () => {
  const { cert: ca, issue } = authority('spanflow tests');
  const server = issue('localhost', ['localhost', '127.0.0.1']);
  const client = issue('client');
  const stranger = authority('others').issue('stranger');

  const send = (port: number, options: object) =>
    new Promise<number | string>((resolve) => {
      const to = { host: '127.0.0.1', port, path: '/v1/traces', method: 'POST', headers: JSON_TYPE, ca, agent: false };
      const sent = request({ ...to, ...options }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sent.on('error', ({ message }) => resolve(message)).end(jsonOf('a'));
    });

  test('encrypts, and asks no client for a certificate', async () => {
    const { port, url } = await open({ http: { tls: server } });
    expect(url).toMatch(/^https:/);
    expect(await send(port, {})).toBe(200);
  });

  test('with clientCa, lets in only clients with a certificate of theirs', async () => {
    const { port } = await open({ http: { tls: { ...server, clientCa: ca } } });
    expect(await send(port, client)).toBe(200);
    expect(await send(port, {})).toEqual(expect.any(String));
    expect(await send(port, stranger)).toEqual(expect.any(String));
  });

  test('refuses at the call what no handshake would succeed with', () => {
    const others = { cert: server.cert, key: client.key };
    expect(() => otlpReceiver({ http: { tls: others } })).toThrow(/otlpReceiver\.http\.tls must be a certificate/);
    expect(() => otlpReceiver({ http: { tls: others } })).not.toThrow(/PRIVATE KEY/);
    expect(() => otlpReceiver({ http: { tls: { cert: server.cert } as never } })).toThrow(/tls\.key/);
  });
});

describe('pages of other sites', () => {
  const origin = 'https://shop.example';
  const preflight = (url: string, from: string) =>
    fetch(`${url}/v1/traces`, {
      method: 'OPTIONS',
      headers: {
        origin: from,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-api-key',
      },
    });

  test('may send and read the answer if their origin is allowed', async () => {
    const { url } = await open({ http: { cors: { allowedOrigins: [origin] } } });
    const { status, headers } = await preflight(url, origin);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    expect(headers.get('access-control-allow-headers')).toBe('content-type,x-api-key');
    const sent = await post(url, jsonOf('a'), { ...JSON_TYPE, origin });
    expect([sent.status, sent.headers.get('access-control-allow-origin')]).toEqual([200, origin]);
  });

  test('may not if it is not, or if nobody is', async () => {
    const { url } = await open({ http: { cors: { allowedOrigins: [origin] } } });
    expect((await preflight(url, 'https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
    const none = await open();
    const answer = await preflight(none.url, origin);
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([405, null]);
  });

  test('need no token for the question beforehand, and one to send', async () => {
    const { url } = await open({ bearerTokens: TOKENS, http: { cors: { allowedOrigins: ['*'] } } });
    expect((await preflight(url, origin)).status).toBe(204);
    const refused = await post(url, jsonOf('a'), { ...JSON_TYPE, origin });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, origin]);
  });

  test('cannot send by a form, or without asking: the content types of those are none of ours', async () => {
    const { url } = await open();
    expect((await post(url, jsonOf('a'), { 'content-type': 'text/plain', origin })).status).toBe(415);
  });
});

describe('options', () => {
  test('are refused by name', () => {
    expect(() => otlpReceiver({ http: { port: 70_000 } })).toThrow(
      /otlpReceiver\.http\.port must be a whole number from 0 to 65535/,
    );
    expect(() => otlpReceiver({ http: { cors: { allowedOrigins: ['shop.example/'] } } })).toThrow(/allowedOrigins/);
    expect(() => otlpReceiver({ maxRequestBytes: 100, maxBytesInFlight: 50 })).toThrow(/maxBytesInFlight/);
    expect(() => otlpReceiver({ acknowledge: 'never' as never })).toThrow(/'accepted', 'delivered'/);
    expect(() => otlpReceiver({ maxQueuSize: 1 } as never)).toThrow(/did you mean 'maxQueueSize'/);
    expect(() => otlpReceiver({ maxRequestBytes: 100_000_000 })).not.toThrow();
  });

  test('a port that is in use is told with the next step', async () => {
    const { port } = await open();
    const other = otlpReceiver({ http: { port } });
    await expect(other.listen()).rejects.toMatchObject({ code: 'CANNOT_LISTEN', message: /port .* is in use: choose/ });
    await other.shutdown();
  });
});
