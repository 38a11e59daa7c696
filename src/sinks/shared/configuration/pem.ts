import type { KeyObject, X509Certificate } from 'node:crypto';
import { types } from 'node:util';

/** A complete block, as OpenSSL reads it: BEGIN and END stand at the start of lines, and text between blocks is a comment. */
const BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n.*?^-----END \1-----[ \t]*$/gms;
const BLOCK_BEGINS = '-----BEGIN ';

/** The certificates of a bundle; `undefined` for DER and for a truncated bundle, of which OpenSSL would silently ignore a part. */
export function certificatesOf(bundle: unknown): readonly X509Certificate[] | undefined {
  const text = pemText(bundle);
  if (text === undefined || isCutOff(text.replaceAll(BLOCK, ''))) return undefined;
  const blocks = [...text.matchAll(BLOCK)].filter(([, kind]) => kind?.endsWith('CERTIFICATE'));
  try {
    return blocks.length === 0 ? undefined : blocks.map(([block]) => new (crypto().X509Certificate)(block));
  } catch {
    return undefined;
  }
}

/** A private key without a passphrase; `undefined` for anything else. */
export function privateKeyOf(pem: unknown): KeyObject | undefined {
  const text = pemText(pem);
  try {
    return text === undefined ? undefined : crypto().createPrivateKey(text);
  } catch {
    return undefined;
  }
}

/** Whether the key belongs to the first certificate. */
export function areOnePair(cert: unknown, key: unknown): boolean {
  const [first] = certificatesOf(cert) ?? [];
  const privateKey = privateKeyOf(key);
  return privateKey !== undefined && first?.publicKey.equals(crypto().createPublicKey(privateKey)) === true;
}

/** Loaded at the first use: it takes some 10 ms, and most programs have no certificates of their own. */
function crypto() {
  return process.getBuiltinModule('node:crypto');
}

function pemText(pem: unknown): string | undefined {
  if (typeof pem === 'string') return pem;
  return types.isUint8Array(pem)
    ? Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength).toString('latin1')
    : undefined;
}

/** Whether, apart from complete blocks, there is a part of another one, even if only of its first line. */
function isCutOff(rest: string): boolean {
  const lastLine = rest.slice(rest.lastIndexOf('\n') + 1);
  return /^-----(BEGIN|END) /m.test(rest) || (lastLine !== '' && BLOCK_BEGINS.startsWith(lastLine));
}
