import type { EnvironmentReader } from '../../../internal/environment.ts';
import { areOnePair, certificatesOf } from './pem.ts';
import type { TlsMaterial, TlsSource } from './tls.ts';

const CA_RULE = 'the path of certificates in PEM';
const CERT_RULE = 'the path of a certificate in PEM';
const KEY_RULE = 'the path of the key of the client certificate, in PEM';

/** A file that a variable names. */
interface TlsFile {
  readonly name: string;
  readonly path: string;
  readonly content: Buffer;
}

/**
 * The files that the environment names. A file that is not valid at the start is warned about and ignored. The files are read again for each new connection, since
 * certificates are renewed in place. While a file is not valid then (half written, or the key does not belong to the certificate yet), the last valid content is used.
 */
export function tlsOfVariables(
  environment: EnvironmentReader,
  named: (variable: string) => readonly string[],
): TlsSource {
  const file = (variable: string, rule: string, isSound: (content: Buffer) => boolean) => {
    const read = (path: string, name: string): TlsFile | undefined => {
      const content = contentNow(path);
      return content !== undefined && isSound(content) ? { name, path, content } : undefined;
    };
    return environment.parsed(read, rule, ...named(variable));
  };
  const ca = file('CERTIFICATE', CA_RULE, isBundle);
  const cert = file('CLIENT_CERTIFICATE', CERT_RULE, isBundle);
  const key = file('CLIENT_KEY', KEY_RULE, (content) => cert !== undefined && areOnePair(cert.content, content));
  if (cert !== undefined && key === undefined) {
    environment.warn(named('CLIENT_CERTIFICATE').at(-1) ?? '', 'set together with the key of the certificate');
  }
  const trust = ca && new RenewedFiles([ca], ([content]) => isBundle(content), CA_RULE, environment);
  const isPair = ([one, other]: readonly (Buffer | undefined)[]) => areOnePair(one, other);
  const client = cert && key && new RenewedFiles([cert, key], isPair, `${CERT_RULE}, and ${KEY_RULE}`, environment);
  const origin = JSON.stringify([trust && ca, client && cert, client && key].map((used) => used?.path ?? null));
  return new TlsOfFiles(trust, client, origin);
}

class TlsOfFiles implements TlsSource {
  readonly origin: string;
  readonly #trust: RenewedFiles | undefined;
  readonly #client: RenewedFiles | undefined;
  #last: TlsMaterial = {};

  constructor(trust: RenewedFiles | undefined, client: RenewedFiles | undefined, origin: string) {
    this.origin = origin;
    this.#trust = trust;
    this.#client = client;
  }

  async current(): Promise<TlsMaterial> {
    const [[ca] = [], [cert, key] = []] = await Promise.all([this.#trust?.current(), this.#client?.current()]);
    const { ca: lastCa, cert: lastCert, key: lastKey } = this.#last;
    if (ca !== lastCa || cert !== lastCert || key !== lastKey) {
      this.#last = { ...(ca && { ca }), ...(cert && key && { cert, key }) };
    }
    return this.#last;
  }
}

/** Files that are renewed together. */
class RenewedFiles {
  readonly #files: readonly TlsFile[];
  readonly #isSound: (contents: readonly (Buffer | undefined)[]) => boolean;
  readonly #rule: string;
  readonly #environment: EnvironmentReader;
  #contents: readonly Buffer[]; // the last valid ones
  #isWarned = false; // that the files are not valid at present

  constructor(
    files: readonly TlsFile[],
    isSound: (contents: readonly (Buffer | undefined)[]) => boolean,
    rule: string,
    environment: EnvironmentReader,
  ) {
    this.#files = files;
    this.#isSound = isSound;
    this.#rule = rule;
    this.#environment = environment;
    this.#contents = files.map(({ content }) => content);
  }

  async current(): Promise<readonly Buffer[]> {
    const read = await Promise.all(this.#files.map(({ path }) => contentOf(path)));
    const isSame = read.every((content, index) => content?.equals(this.#contents[index] as Buffer));
    if (isSame || this.#isSound(read)) {
      if (!isSame) this.#contents = read as readonly Buffer[];
      this.#isWarned = false;
    } else {
      this.#warn();
    }
    return this.#contents;
  }

  #warn(): void {
    if (this.#isWarned) return;
    this.#isWarned = true;
    const names = this.#files.map(({ name }) => name).join(' with ');
    this.#environment.warn(names, this.#rule, 'what was read before stays in use');
  }
}

function isBundle(content: Buffer | undefined): boolean {
  return certificatesOf(content) !== undefined;
}

/** Loaded at the first use: most programs name no files. */
function files() {
  return process.getBuiltinModule('node:fs');
}

function contentNow(path: string): Buffer | undefined {
  try {
    return files().readFileSync(path);
  } catch {
    return undefined;
  }
}

async function contentOf(path: string): Promise<Buffer | undefined> {
  try {
    return await files().promises.readFile(path);
  } catch {
    return undefined;
  }
}
