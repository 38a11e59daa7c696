// A real broker of Kafka in KRaft mode: one node, on loopback, with random ports, in a folder of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Admin } from '@platformatic/kafka';
import { run, unavailableIn } from '../interop/command.ts';
import { authority } from '../support/httpCertificates.ts';

const POM = join(import.meta.dirname, 'pom.xml');
const CACHE = fileURLToPath(new URL('../../.interop', import.meta.url));
const DOWNLOAD_BOUND_MILLIS = 15 * 60_000;
const STARTED = /Kafka Server started/;
const START_BOUND_MILLIS = 240_000;
/** Small, and started soon rather than fast later. */
const JVM = [
  ...['-Xmx96m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
  ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-Dorg.slf4j.simpleLogger.log.kafka.server=info'],
];

/** Why there is no broker: that is no failure of what is tested. */
export class NoBroker extends Error {}

/**
 * The folder of Kafka's jars, which are fetched from Maven Central unless they have been before.
 *
 * @throws NoBroker where there is no Java or no Maven, or where the jars cannot be had
 */
export async function kafkaJars(cache = CACHE, maven = 'mvn', java = 'java'): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 16);
  const folder = join(cache, `kafka-${hash}`);
  const finished = join(folder, 'finished');
  if ((await run([java, '--version'], { cwd: import.meta.dirname, boundMillis: 60_000 })).code !== 0)
    throw new NoBroker('there is no Java');
  if (existsSync(finished)) return folder;
  console.error('fetching Kafka: 54 MB, this once');
  mkdirSync(folder, { recursive: true });
  const args = ['--batch-mode', '--quiet', 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`];
  const { code, said } = await run([maven, ...args], { cwd: import.meta.dirname, boundMillis: DOWNLOAD_BOUND_MILLIS });
  if (code === 'ENOENT') throw new NoBroker('there is no Maven');
  const line = code === 0 ? undefined : unavailableIn(said);
  if (line !== undefined) throw new NoBroker(`its jars cannot be had (${line})`);
  if (code !== 0) throw new Error(`Kafka cannot be fetched:\n${said}`);
  mkdirSync(finished);
  return folder;
}

/** A broker, which can be killed and started again with what it has. */
export class Broker {
  /** Who has signed its certificate. */
  readonly authority = authority('the authority of the broker');
  readonly #jars: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'spanflow-kafka-'));
  readonly #ports: readonly number[];
  #process: ChildProcess | undefined;

  private constructor(jars: string, ports: readonly number[]) {
    this.#jars = jars;
    this.#ports = ports;
  }

  /** Starts one. */
  static async start(jars: string, properties: Readonly<Record<string, string | number>> = {}): Promise<Broker> {
    const broker = new Broker(jars, await freePorts(3));
    try {
      await broker.#format(properties);
      await broker.start();
      return broker;
    } catch (error) {
      await broker.remove();
      throw error;
    }
  }

  /** Where it listens. */
  get address(): string {
    return `127.0.0.1:${this.#ports[0]}`;
  }

  /** Where it listens for clients that speak TLS and say who they are: with SASL, as the user `spanflow` with the password `open`. */
  get secureAddress(): string {
    return `localhost:${this.#ports[2]}`;
  }

  /** Starts it again, after it was stopped. */
  async start(): Promise<void> {
    const broker = this.#java(['kafka.Kafka', this.#properties]);
    this.#process = broker;
    process.once('exit', this.#kill);
    await saying(broker, STARTED);
  }

  /** Ends it: in order, or at once (`SIGKILL`). */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const broker = this.#process;
    this.#process = undefined;
    process.removeListener('exit', this.#kill);
    if (broker === undefined || broker.exitCode !== null || broker.signalCode !== null) return;
    const ended = new Promise((resolve) => broker.once('close', resolve));
    broker.kill(signal);
    await ended;
  }

  /** Has it stand still (`SIGSTOP`), or go on (`SIGCONT`). */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal);
  }

  /** Ends it, and removes what it has. */
  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Makes a topic. */
  async topic(name: string, partitions: number, configs: Readonly<Record<string, string>> = {}): Promise<string> {
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [this.address], retries: 30, retryDelay: 200 });
    try {
      const given = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
      await admin.createTopics({ topics: [name], partitions, replicas: 1, configs: given });
      return name;
    } finally {
      await admin.close();
    }
  }

  readonly #kill = (): void => {
    this.#process?.kill('SIGKILL');
  };

  get #properties(): string {
    return join(this.#folder, 'server.properties');
  }

  #java(args: readonly string[]): ChildProcess {
    const all = [...JVM, `-Djava.io.tmpdir=${this.#folder}`, '-cp', join(this.#jars, '*'), ...args];
    return spawn('java', all, { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  async #format(properties: Readonly<Record<string, string | number>>): Promise<void> {
    const [port, controller, secure] = this.#ports;
    const { key, cert } = this.authority.issue('localhost', ['localhost', '127.0.0.1']);
    const identity = join(this.#folder, 'identity.pem');
    writeFileSync(identity, `${key}${cert}${this.authority.cert}`);
    const all = {
      'process.roles': 'broker,controller',
      'node.id': 1,
      'controller.quorum.bootstrap.servers': `127.0.0.1:${controller}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller},SASL_SSL://127.0.0.1:${secure}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller},SASL_SSL://localhost:${secure}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': identity,
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl_ssl.plain.sasl.jaas.config':
        'org.apache.kafka.common.security.plain.PlainLoginModule required user_spanflow="open";',
      'log.dirs': join(this.#folder, 'logs'),
      'offsets.topic.replication.factor': 1,
      'offsets.topic.num.partitions': 1,
      'transaction.state.log.replication.factor': 1,
      'transaction.state.log.min.isr': 1,
      'share.coordinator.state.topic.replication.factor': 1,
      'group.initial.rebalance.delay.ms': 0,
      'group.min.session.timeout.ms': 1_000,
      'auto.create.topics.enable': false,
      'log.cleaner.enable': false,
      'num.network.threads': 2,
      'num.io.threads': 2,
      ...properties,
    };
    writeFileSync(
      this.#properties,
      Object.entries(all)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
    const id = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url');
    const args = ['kafka.tools.StorageTool', 'format', '-t', id, '-c', this.#properties, '--standalone'];
    const formatting = this.#java(args);
    const { code, said } = await ending(formatting);
    if (code !== 0) throw new Error(`Kafka cannot format its storage:\n${said}`);
  }
}

/** Resolves when a program has ended. */
function ending(program: ChildProcess): Promise<{ code: number | null; said: string }> {
  let said = '';
  for (const stream of [program.stdout, program.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  return new Promise((resolve, reject) => {
    program.once('error', reject);
    program.once('close', (code) => resolve({ code, said: said.slice(-4_000) }));
  });
}

/** Resolves when a program has said something. What it says later is not kept. */
function saying(program: ChildProcess, text: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    let isStarted = false;
    const fail = (why: string) => reject(new Error(`Kafka ${why}. It said:\n${said.slice(-4_000)}`));
    const timer = setTimeout(() => fail('has not started'), START_BOUND_MILLIS);
    program.once('error', reject);
    program.once('close', () => fail('has ended'));
    const hear = (heard: string) => {
      if (isStarted) return;
      said += heard;
      if (!text.test(said)) return;
      isStarted = true;
      said = '';
      clearTimeout(timer);
      resolve();
    };
    for (const stream of [program.stdout, program.stderr]) stream?.setEncoding('utf8').on('data', hear);
  });
}

/** Ports that nobody listens on. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
