import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { EnvironmentReader } from '../../environment.ts';
import { InvalidOptionError } from '../../errors.ts';
import { requireShape, withDefaults } from '../../options.ts';

/** What TLS needs beyond the system's trust. Each in PEM. */
export interface TlsOptions {
  /** Certificates to trust, instead of the system's. */
  ca?: string | Buffer | readonly (string | Buffer)[];
  /** The client's own certificate and key, for mutual TLS: both or none. */
  cert?: string | Buffer;
  key?: string | Buffer;
  /** Default true. */
  rejectUnauthorized?: boolean;
}

/** Every option, so that one that does not exist is refused. */
const TLS_DEFAULTS: { [K in keyof Required<TlsOptions>]: TlsOptions[K] | undefined } = Object.freeze({
  ca: undefined,
  cert: undefined,
  key: undefined,
  rejectUnauthorized: true,
});

/** Refuses what OpenSSL would refuse at each handshake, or silently leave out. What was given is a secret, and not repeated. */
export function requireTls(option: string, tls: TlsOptions): void {
  requireShape(option, tls, 'an object');
  const { ca, cert, key, rejectUnauthorized } = withDefaults(option, TLS_DEFAULTS, tls);
  if (typeof rejectUnauthorized !== 'boolean') {
    throw new InvalidOptionError(`${option}.rejectUnauthorized`, 'true or false', rejectUnauthorized);
  }
  for (const each of ca === undefined ? [] : [ca].flat()) {
    if (certificateOf(each) === undefined)
      throw new InvalidOptionError(`${option}.ca`, 'certificates in PEM', typeof each);
  }
  if (cert !== undefined && certificateOf(cert) === undefined) {
    throw new InvalidOptionError(`${option}.cert`, 'a certificate in PEM', typeof cert);
  }
  if (key !== undefined && keyOf(key) === undefined) {
    throw new InvalidOptionError(`${option}.key`, 'a private key in PEM, without a passphrase', typeof key);
  }
  if (!areOnePair(cert, key)) throw new InvalidOptionError(`${option}.key`, 'the key of cert', typeof key);
}

/** The files that the environment names. One that does not serve is warned about and ignored. */
export function tlsOf(environment: EnvironmentReader, named: (variable: string) => readonly string[]): TlsOptions {
  const file = (variable: string, rule: string, isSound: (content: Buffer) => boolean) => {
    const read = (path: string) => {
      const content = contentOf(path);
      return content !== undefined && isSound(content) ? content : undefined;
    };
    return environment.parsed(read, rule, ...named(variable));
  };
  const isCertificate = (content: Buffer) => certificateOf(content) !== undefined;
  const ca = file('CERTIFICATE', 'the path of certificates in PEM', isCertificate);
  const cert = file('CLIENT_CERTIFICATE', 'the path of a certificate in PEM', isCertificate);
  const key = file('CLIENT_KEY', 'the path of the key of the client certificate, in PEM', (content) =>
    areOnePair(cert, content),
  );
  const client = cert !== undefined && key !== undefined ? { cert, key } : {};
  if (cert !== undefined && key === undefined) {
    environment.warn(named('CLIENT_CERTIFICATE').at(-1) ?? '', 'set together with the key of the certificate');
  }
  return { ...(ca && { ca }), ...client };
}

function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function certificateOf(pem: string | Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function keyOf(pem: string | Buffer): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/** Whether they belong together: both, or none of them. */
function areOnePair(cert: string | Buffer | undefined, key: string | Buffer | undefined): boolean {
  if (cert === undefined || key === undefined) return cert === key;
  const privateKey = keyOf(key);
  return privateKey !== undefined && certificateOf(cert)?.publicKey.equals(createPublicKey(privateKey)) === true;
}
