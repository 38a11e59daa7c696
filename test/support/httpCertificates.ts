// Certificates that are made while a test runs: no private key lies in the repository. X.509 (RFC 5280) in DER, as little of it as TLS needs.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A certificate and its key, in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** An authority that signs certificates. */
export interface Authority extends Identity {
  /** For a server: names such as `localhost`, and IPv4 addresses. For a client: none. */
  issue(commonName: string, hosts?: readonly string[]): Identity;
}

export function authority(commonName: string): Authority {
  const keys = keyPair();
  const own = { subject: commonName, publicKey: keys.publicKey, extensions: [basicConstraints()] };
  const signer = { issuer: commonName, privateKey: keys.privateKey };
  return {
    ...identity(own, signer, keys.privateKey),
    issue(subject, hosts = []) {
      const { publicKey, privateKey } = keyPair();
      const extensions = hosts.length === 0 ? [] : [subjectAltName(hosts)];
      return identity({ subject, publicKey, extensions }, signer, privateKey);
    },
  };
}

interface Subject {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

interface Signer {
  readonly issuer: string;
  readonly privateKey: KeyObject;
}

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

const COMMON_NAME = Buffer.from('0603550403', 'hex');
const BASIC_CONSTRAINTS = Buffer.from('0603551d13', 'hex');
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex');
const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex');
const TRUE = Buffer.from('0101ff', 'hex');

let serial = 0; // of the last certificate: two of one authority must differ

function keyPair(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

function identity(subject: Subject, signer: Signer, privateKey: KeyObject): Identity {
  const algorithm = der(SEQUENCE, ECDSA_WITH_SHA256);
  const content = contentOf(subject, signer.issuer, algorithm);
  const signature = der(BIT_STRING, Buffer.from([0]), sign('sha256', content, signer.privateKey));
  const base64 = der(SEQUENCE, content, algorithm, signature).toString('base64');
  const lines = base64.match(/.{1,64}/g)?.join('\n') ?? '';
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function contentOf({ subject, publicKey, extensions }: Subject, issuer: string, algorithm: Buffer): Buffer {
  serial += 1;
  return der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([1, serial >> 8, serial & 0xff])),
    algorithm,
    nameOf(issuer),
    der(SEQUENCE, der(UTC_TIME, Buffer.from('200101000000Z')), der(UTC_TIME, Buffer.from('491231235959Z'))),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [der(EXTENSIONS, der(SEQUENCE, ...extensions))]),
  );
}

function nameOf(commonName: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(commonName)))));
}

function basicConstraints(): Buffer {
  return der(SEQUENCE, BASIC_CONSTRAINTS, TRUE, der(OCTET_STRING, der(SEQUENCE, TRUE)));
}

function subjectAltName(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) =>
    /^[\d.]+$/.test(host)
      ? der(IP_ADDRESS, Buffer.from(host.split('.').map(Number)))
      : der(DNS_NAME, Buffer.from(host)),
  );
  return der(SEQUENCE, SUBJECT_ALT_NAME, der(OCTET_STRING, der(SEQUENCE, ...names)));
}

function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}
