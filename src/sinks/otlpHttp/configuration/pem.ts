import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isUint8Array } from 'node:util/types';

/** A whole block. As OpenSSL reads it: its lines begin where lines begin, and what stands between blocks is a comment. */
const BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n.*?^-----END \1-----[ \t]*$/gms;
const BLOCK_BEGINS = '-----BEGIN ';

/** The certificates of a bundle, or nothing where OpenSSL would leave one of them out without a word: DER, and a bundle that is cut off. */
export function certificatesOf(bundle: unknown): readonly X509Certificate[] | undefined {
  const text = pemText(bundle);
  if (text === undefined || isCutOff(text.replaceAll(BLOCK, ''))) return undefined;
  const blocks = [...text.matchAll(BLOCK)].filter(([, kind]) => kind?.endsWith('CERTIFICATE'));
  try {
    return blocks.length === 0 ? undefined : blocks.map(([block]) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

/** A private key without a passphrase. */
export function keyOf(pem: unknown): KeyObject | undefined {
  const text = pemText(pem);
  try {
    return text === undefined ? undefined : createPrivateKey(text);
  } catch {
    return undefined;
  }
}

/** Whether the key is that of the first certificate. */
export function areOnePair(cert: unknown, key: unknown): boolean {
  const [first] = certificatesOf(cert) ?? [];
  const privateKey = keyOf(key);
  return privateKey !== undefined && first?.publicKey.equals(createPublicKey(privateKey)) === true;
}

function pemText(pem: unknown): string | undefined {
  if (typeof pem === 'string') return pem;
  return isUint8Array(pem) ? Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength).toString('latin1') : undefined;
}

/** Whether between the whole blocks there is a part of another one, be it of its first line only. */
function isCutOff(rest: string): boolean {
  const lastLine = rest.slice(rest.lastIndexOf('\n') + 1);
  return /^-----(BEGIN|END) /m.test(rest) || (lastLine !== '' && BLOCK_BEGINS.startsWith(lastLine));
}
