import { isDeepStrictEqual } from 'node:util';
import { must, optional, type Rule, settingsOf } from '../../../internal/validation.ts';
import { InvalidOptionError, messageOf } from '../../../model/errors.ts';
import { ExportError } from '../../../model/sink.ts';
import { areOnePair, certificatesOf, privateKeyOf } from './pem.ts';
import { kindOf, mustSecretly } from './secret.ts';

/** A value, or a function that returns it for each new connection: for a certificate that is renewed, for example. */
export type Renewable<V> = V | (() => V | Promise<V>);

/** Certificates and keys beyond the system's trust, in PEM. DER and truncated bundles are refused. */
export interface TlsOptions {
  /** Certificates to trust, instead of the system's: at least one. Default: those of the system. */
  ca?: Renewable<string | Buffer | readonly (string | Buffer)[]>;
  /** The client's own certificate (its chain behind it) and key, for mutual TLS: both or none. Default: none. */
  cert?: Renewable<string | Buffer>;
  /** The private key of `cert`, in PEM, without a passphrase. Default: none. */
  key?: Renewable<string | Buffer>;
  /** Whether a backend is refused if its certificate is not valid for it. Default true. */
  rejectUnauthorized?: boolean;
}

/** The certificates and keys of one connection. */
export interface TlsMaterial {
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly rejectUnauthorized?: boolean;
}

/** Gives the certificates and keys of each new connection. */
export interface TlsSource {
  /** Two sources with the same origin give the same material: the option that was given, or the paths of the files. */
  readonly origin: unknown;
  /** Resolves with the same object as before while nothing has changed. It fails with an `ExportError`. */
  current(): Promise<TlsMaterial>;
}

/** A value, or a function whose result is checked when it is there. */
function renewable(text: string, holds: (value: unknown) => boolean): Rule {
  return optional(mustSecretly(text, (value) => typeof value === 'function' || holds(value)));
}

const TLS_RULES = {
  ca: renewable('certificates in PEM', areCertificates),
  cert: renewable('a certificate in PEM', (value) => certificatesOf(value) !== undefined),
  key: renewable('a private key in PEM, without a passphrase', (value) => privateKeyOf(value) !== undefined),
  rejectUnauthorized: must('true or false', (value) => typeof value === 'boolean'),
};

/** The source that the option describes. Values are checked now, and results of functions when they are there. */
export function tlsSource(option: string, given: unknown): TlsSource {
  if (typeof given === 'function') return new RenewedTls(option, given as () => unknown, given);
  requireTls(option, given);
  const options = { ...(given as TlsOptions) };
  const isFixed = Object.values(options).every((value) => typeof value !== 'function');
  return isFixed ? fixedTls(options as TlsMaterial, given) : new RenewedTls(option, () => options, given);
}

export function fixedTls(material: TlsMaterial, origin: unknown = material): TlsSource {
  return { origin, current: async () => material };
}

/** Refuses what OpenSSL would refuse at each handshake, or silently ignore. The given values are secrets, and no message shows them. */
function requireTls(option: string, given: unknown): void {
  if (typeof given !== 'object' || given === null) throw new InvalidOptionError(option, 'an object', kindOf(given));
  const { cert, key } = settingsOf<TlsOptions>(option, { rejectUnauthorized: true }, TLS_RULES, given);
  if (!mayBeOnePair(cert, key)) throw new InvalidOptionError(`${option}.key`, 'the key of cert', kindOf(key));
}

function areCertificates(ca: unknown): boolean {
  const all = [ca].flat();
  return all.length > 0 && all.every((each) => certificatesOf(each) !== undefined);
}

/** Whether both or neither are given and, where both are values, they belong together. */
function mayBeOnePair(cert: unknown, key: unknown): boolean {
  if (cert === undefined || key === undefined) return cert === key;
  return typeof cert === 'function' || typeof key === 'function' || areOnePair(cert, key);
}

class RenewedTls implements TlsSource {
  readonly origin: unknown;
  readonly #option: string;
  readonly #ask: () => unknown;
  #last: TlsMaterial | undefined;

  constructor(option: string, ask: () => unknown, origin: unknown) {
    this.origin = origin;
    this.#option = option;
    this.#ask = ask;
  }

  async current(): Promise<TlsMaterial> {
    try {
      const material = await resolved(await this.#ask());
      if (this.#last === undefined || !isDeepStrictEqual(material, this.#last)) {
        requireTls(this.#option, material);
        this.#last = material as TlsMaterial;
      }
      return this.#last;
    } catch (thrown) {
      const message = `${this.#option} could not be made for a new connection: ${messageOf(thrown)}`;
      throw new ExportError({ kind: 'retryable' }, message, { cause: thrown });
    }
  }
}

/** The options with the results of their functions. */
async function resolved(options: unknown): Promise<unknown> {
  if (typeof options !== 'object' || options === null) return options;
  const entries = Object.entries(options).map(async ([name, value]) => [
    name,
    typeof value === 'function' ? await value() : value,
  ]);
  return Object.fromEntries(await Promise.all(entries));
}
