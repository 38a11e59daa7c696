import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_BOUND_MILLIS = 60_000;
const STOP_BOUND_MILLIS = 30_000;
const POLL_MILLIS = 20;

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

/** A Collector that runs, until it is stopped. */
export class Collector {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #ended: Promise<void>;
  #said = '';

  private constructor(binary: string, configuration: Configuration) {
    this.#folder = mkdtempSync(join(tmpdir(), 'spanflow-interop-'));
    const path = join(this.#folder, 'configuration.yaml');
    writeFileSync(path, JSON.stringify(configuration(this.#folder))); // JSON is YAML
    this.#process = spawn(binary, ['--config', path], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
    this.#ended = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        this.#said += error.message;
        resolve();
      });
      this.#process.once('close', () => resolve());
    });
    process.once('exit', this.#kill);
  }

  /**
   * Starts one, and waits until it listens on all of these ports.
   *
   * @throws Error with what it said, where it does not
   */
  static async start(binary: string, ports: readonly number[], configuration: Configuration): Promise<Collector> {
    const collector = new Collector(binary, configuration);
    try {
      const end = performance.now() + START_BOUND_MILLIS;
      for (const port of ports) await collector.#listensOn(port, end);
      return collector;
    } catch (error) {
      collector.#kill();
      collector.remove();
      throw error;
    }
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

  async #listensOn(port: number, end: number): Promise<void> {
    while (!(await isListening(port))) {
      if (this.#process.exitCode !== null || this.#process.pid === undefined)
        throw this.#failure('the Collector has not started');
      if (performance.now() > end) throw this.#failure(`the Collector does not listen on ${port}`);
      await sleep(POLL_MILLIS);
    }
  }

  #failure(what: string): Error {
    return new Error(`${what}. It said:\n${this.#said.trim()}`);
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
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
