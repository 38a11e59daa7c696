import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const START_BOUND_MILLIS = 60_000;
const STOP_BOUND_MILLIS = 30_000;

/** Where a receiver listens. */
export interface Addresses {
  readonly http: string;
  readonly grpc: string;
}

export interface Ports {
  readonly http: number;
  readonly grpc: number;
}

/** What a Collector is told: all of its configuration, given a folder for its files. */
export type Configuration = (folder: string) => object;

/** What it says when it has started. */
export const READY = 'Everything is ready.';
/** What it says when its memory limiter begins to refuse. */
export const REFUSING = 'Refusing data.';

/** A Collector that runs, until it is stopped. */
export class Collector {
  readonly #process: ChildProcess;
  readonly #folder = mkdtempSync(join(tmpdir(), 'spanflow-interop-'));
  readonly #ended: Promise<void>;
  readonly #heard = new EventEmitter(); // `more`: it has said something
  #said = '';

  private constructor(binary: string, configuration: Configuration) {
    const path = join(this.#folder, 'configuration.yaml');
    writeFileSync(path, JSON.stringify(configuration(this.#folder))); // JSON is YAML
    this.#process = spawn(binary, ['--config', path], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    this.#ended = new Promise((resolve) => {
      this.#process.once('close', () => resolve());
      this.#process.once('error', (error) => {
        this.#hear(error.message);
        resolve();
      });
    });
    process.once('exit', this.#kill);
  }

  /**
   * Starts one, and waits until it says a text.
   *
   * @throws Error with what it has said, where it does not say that
   */
  static async start(binary: string, configuration: Configuration, text = READY): Promise<Collector> {
    const collector = new Collector(binary, configuration);
    try {
      await collector.#says(text);
      return collector;
    } catch (error) {
      collector.#kill();
      collector.remove();
      throw error;
    }
  }

  /** Of its process. */
  get id(): number {
    return this.#process.pid ?? Number.NaN;
  }

  /** Stops it by SIGTERM, after which its files are complete. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const tooLate = setTimeout(this.#kill, STOP_BOUND_MILLIS);
    await this.#ended;
    clearTimeout(tooLate);
    process.removeListener('exit', this.#kill);
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== 0) throw this.#failure(`the Collector ended with ${exitCode ?? signalCode}`);
  }

  /** The content of a file that it has written; nothing where it has written none. */
  file(name: string): Buffer {
    const path = join(this.#folder, name);
    return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  }

  /** Removes its files. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  readonly #kill = (): void => {
    this.#process.kill('SIGKILL');
  };

  #hear(text: string): void {
    this.#said += text;
    this.#heard.emit('more');
  }

  async #says(text: string): Promise<void> {
    const signal = AbortSignal.timeout(START_BOUND_MILLIS);
    const hasEnded = this.#ended.then(() => Promise.reject(this.#failure('the Collector has not started')));
    while (!this.#said.includes(text)) {
      const more = once(this.#heard, 'more', { signal }).catch(() => {
        throw this.#failure(`the Collector has not said "${text}" in ${START_BOUND_MILLIS} ms`);
      });
      await Promise.race([more, hasEnded]);
    }
    hasEnded.catch(() => {}); // it ends later
  }

  #failure(what: string): Error {
    return new Error(`${what}. It said:\n${this.#said.trim()}`);
  }
}

/** Two ports that nobody listens on. */
export async function freePorts(): Promise<Ports> {
  const servers = await Promise.all([listening(), listening()]);
  const [http, grpc] = servers.map(({ port }) => port);
  await Promise.all(servers.map(({ close }) => close()));
  return { http, grpc } as Ports;
}

function listening(): Promise<{ port: number; close: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      resolve({ port, close: () => new Promise((closed) => server.close(() => closed())) });
    });
  });
}

export function addressesOf({ http, grpc }: Ports): Addresses {
  return { http: `http://127.0.0.1:${http}`, grpc: `http://127.0.0.1:${grpc}` };
}
