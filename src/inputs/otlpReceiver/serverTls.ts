import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { type Rule, settingsOf } from '../../internal/validation.ts';
import { InvalidOptionError, messageOf } from '../../model/errors.ts';

type Pem = string | Buffer;

/** What a server shows, and whom it trusts, in PEM. */
export interface ServerTlsOptions {
  /** The server's certificate, with its chain behind it. */
  cert: Pem;
  /** The private key of `cert`. */
  key: Pem;
  /** Clients have to show a certificate that one of these has signed (mTLS). Default: clients need none. */
  clientCa?: Pem | readonly Pem[];
}

const isPem = (value: unknown) => typeof value === 'string' || Buffer.isBuffer(value);

/** Keys are secrets, and no message shows what was given. */
const aPem: Rule = (value, option, call) => {
  if (!isPem(value)) call.add(option, 'a string or a Buffer in PEM', typeof value);
};

const somePem: Rule = (value, option, call) => {
  if (value !== undefined && ![value].flat().every(isPem)) call.add(option, 'certificates in PEM', typeof value);
};

const TLS_RULES = { cert: aPem, key: aPem, clientCa: somePem };

/** Refuses at the call what no handshake would succeed with. */
export const aServerTls: Rule = (value, option, call) => {
  call.attempt(() => {
    if (typeof value !== 'object' || value === null) throw new InvalidOptionError(option, 'an object', typeof value);
    const given = settingsOf<ServerTlsOptions>(option, {}, TLS_RULES, value);
    try {
      createSecureContext(secureContext(given));
    } catch (thrown) {
      const rule = `a certificate, its key and certificates of clients that TLS can use (${messageOf(thrown)})`;
      throw new InvalidOptionError(option, rule, 'others');
    }
  });
};

export function secureContext({ cert, key, clientCa }: ServerTlsOptions): SecureContextOptions {
  return { cert, key, ...(clientCa !== undefined && { ca: [clientCa].flat() as Pem[] }), minVersion: 'TLSv1.2' };
}
