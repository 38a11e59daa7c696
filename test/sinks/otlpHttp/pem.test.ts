import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { areOnePair, certificatesOf, privateKeyOf } from '../../../src/sinks/shared/configuration/pem.ts';
import { authority } from '../../support/httpCertificates.ts';
import { openSink } from '../../support/httpExports.ts';

const FIRST = authority('first');
const SECOND = authority('second');
const BUNDLE = FIRST.cert + SECOND.cert;
const DER = new X509Certificate(FIRST.cert).raw;

const subjectsOf = (bundle: unknown) => certificatesOf(bundle)?.map(({ subject }) => subject);

describe('a bundle of certificates', () => {
  it.each<[string, string]>([
    ['as it is', BUNDLE],
    ['with comments around', `# first\n${FIRST.cert}\n--- second ---\n s: CN=second\n${SECOND.cert}trailing text`],
    ['with line breaks of Windows', BUNDLE.replaceAll('\n', '\r\n')],
    ['with blanks behind the markers', BUNDLE.replaceAll('-----\n', '----- \t\n')],
    ['with a key between', FIRST.cert + FIRST.key + SECOND.cert],
    ['without the last line break', BUNDLE.trimEnd()],
    ['of OpenSSL’s older kind', BUNDLE.replaceAll(' CERTIFICATE', ' X509 CERTIFICATE')],
  ])('%s is taken, as a text and as bytes', (_, bundle) => {
    expect(subjectsOf(bundle)).toEqual(['CN=first', 'CN=second']);
    expect(subjectsOf(Buffer.from(bundle))).toEqual(['CN=first', 'CN=second']);
    expect(subjectsOf(new TextEncoder().encode(bundle))).toEqual(['CN=first', 'CN=second']);
  });

  it('that is cut off anywhere within a certificate is refused', () => {
    const whole = FIRST.cert.length;
    const wrong: number[] = [];
    for (let length = 0; length < BUNDLE.trimEnd().length; length++) {
      // Up to the line break behind it, the first one is a bundle by itself.
      const isWhole = length === whole || length === whole - 1;
      if ((certificatesOf(BUNDLE.slice(0, length)) !== undefined) !== isWhole) wrong.push(length);
    }
    expect(wrong).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['DER', DER],
    ['DER as a text', DER.toString('latin1')],
    ['DER behind PEM’s back', Buffer.concat([Buffer.from('# a certificate\n'), DER])],
    ['base64 without its lines', DER.toString('base64')],
    ['a text whose line breaks are written out', FIRST.cert.replaceAll('\n', '\\n')],
    ['a first certificate that is cut off', FIRST.cert.slice(0, 200) + SECOND.cert],
    ['a first line that is lost', BUNDLE.replace('-----BEGIN CERTIFICATE-----\n', '')],
    [
      'a second certificate that is invalid',
      `${FIRST.cert}-----BEGIN CERTIFICATE-----\neA==\n-----END CERTIFICATE-----\n`,
    ],
    ['a key', FIRST.key],
    ['nothing', ''],
    ['no bytes', Buffer.alloc(0)],
    ['a number', 5],
  ])('that is %s is refused', (_, bundle) => {
    expect(certificatesOf(bundle)).toBeUndefined();
    expect(() => openSink({ url: 'https://a/', tls: { ca: bundle as string } })).toThrow(
      expect.objectContaining({ option: 'otlpHttp.tls.ca', rule: 'certificates in PEM' }),
    );
    expect(() => openSink({ url: 'https://a/', tls: { cert: bundle as string, key: FIRST.key } })).toThrow(
      expect.objectContaining({ option: 'otlpHttp.tls.cert', rule: 'a certificate in PEM' }),
    );
  });

  it('of none at all is refused', () => {
    expect(() => openSink({ url: 'https://a/', tls: { ca: [] } })).toThrow(
      expect.objectContaining({ option: 'otlpHttp.tls.ca', given: 'array' }),
    );
  });
});

describe('a private key', () => {
  const key = createPrivateKey(FIRST.key);

  it('is taken in PEM, and belongs to the first certificate of a chain', () => {
    expect(privateKeyOf(Buffer.from(FIRST.key))?.equals(key)).toBe(true);
    expect([areOnePair(BUNDLE, FIRST.key), areOnePair(BUNDLE, SECOND.key)]).toEqual([true, false]);
  });

  it.each<[string, string | Buffer]>([
    ['is DER', key.export({ type: 'pkcs8', format: 'der' })],
    ['is cut off', FIRST.key.slice(0, 150)],
    ['has a passphrase', key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })],
  ])('that %s is refused', (_, value) => {
    expect(() => openSink({ url: 'https://a/', tls: { cert: FIRST.cert, key: value } })).toThrow(
      expect.objectContaining({ option: 'otlpHttp.tls.key', rule: 'a private key in PEM, without a passphrase' }),
    );
  });
});
