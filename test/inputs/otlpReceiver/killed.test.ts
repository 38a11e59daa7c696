// Sender, relay and backend in processes of their own, killed one after the other at moments that a seed draws.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { seeded } from '../../support/spans.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { numberedRequest } from './programs/numberedRequest.ts';

const REQUESTS = 120;
const KILLS = 8;
const NAMES = ['sender', 'relay', 'backend'] as const;
type Name = (typeof NAMES)[number];

interface Message {
  readonly port?: number;
  readonly arrived?: number;
  readonly isDone?: boolean;
}

/** The three processes. Each comes up again at the port that it had. */
class Cluster {
  readonly #folder = temporaryFolder();
  readonly #children = new Map<Name, ChildProcess>();
  readonly #ports: Partial<Record<Name, number>> = {};
  readonly #acknowledge: 'accepted' | 'delivered';
  #isDone = false; // the sender is through
  #onMessage: (message: Message) => void = () => {};

  constructor(acknowledge: 'accepted' | 'delivered') {
    this.#acknowledge = acknowledge;
    for (const name of ['answered', 'arrived']) writeFileSync(this.#file(name), '');
    onTestFinished(() => {
      for (const child of this.#children.values()) child.kill('SIGKILL');
    });
  }

  /** The lines of one of the two files. */
  lines(name: 'answered' | 'arrived'): string[] {
    return readFileSync(this.#file(name), 'utf8').split('\n').filter(Boolean);
  }

  async start(name: Name): Promise<void> {
    const program = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
    const child = fork(program, [JSON.stringify(this.#inputOf(name))], { env: {}, execArgv: [] });
    child.on('message', (message: Message) => {
      if (message.isDone) this.#isDone = true;
      this.#onMessage(message);
    });
    this.#children.set(name, child);
    if (name === 'sender') this.#isDone = false;
    if (name === 'sender') return;
    const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${name} ended with ${code}`)));
    failed.catch(() => {}); // later it is killed
    const [{ port }] = (await Promise.race([once(child, 'message'), failed])) as [Message];
    this.#ports[name] = port as number;
  }

  async kill(name: Name): Promise<void> {
    const child = this.#children.get(name) as ChildProcess;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Resolves after so many requests have come to the backend, or when the sender is through. */
  progress(requests: number): Promise<'done' | 'goes on'> {
    if (this.#isDone) return Promise.resolve('done');
    return new Promise((resolve) => {
      let left = requests;
      this.#onMessage = ({ arrived }) => {
        if (arrived !== undefined) left -= 1;
        if (this.#isDone) resolve('done');
        else if (left <= 0) resolve('goes on');
      };
    });
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }

  #inputOf(name: Name): object {
    const { relay = 0, backend = 0 } = this.#ports;
    const inputs = {
      sender: { url: `http://127.0.0.1:${relay}/v1/traces`, file: this.#file('answered'), count: REQUESTS },
      relay: { port: relay, backendUrl: `http://127.0.0.1:${backend}/v1/traces`, acknowledge: this.#acknowledge },
      backend: { port: backend, file: this.#file('arrived') },
    };
    return inputs[name];
  }
}

test.each([1, 2])("with 'delivered', what was answered 200 has arrived, whoever is killed (seed %d)", async (seed) => {
  const random = seeded(seed);
  const cluster = new Cluster('delivered');
  for (const name of ['backend', 'relay', 'sender'] as const) await cluster.start(name);
  const killed: Name[] = [];
  while (killed.length < KILLS) {
    const progress = await cluster.progress(1 + Math.floor(random() * 6));
    if (progress === 'done') break;
    const name = NAMES[Math.floor(random() * NAMES.length)] as Name;
    await cluster.kill(name);
    killed.push(name);
    // At each moment, not only at the end: what is answered by now must be there by now.
    expect(missingIn(cluster)).toEqual([]);
    await cluster.start(name);
  }
  while ((await cluster.progress(REQUESTS)) !== 'done');
  expect(new Set(killed)).toEqual(new Set(NAMES));
  expect(new Set(cluster.lines('answered')).size).toBe(REQUESTS);
  expect(missingIn(cluster)).toEqual([]);
});

/** The requests that were answered, and of which a span has not arrived. */
function missingIn(cluster: Cluster): string[] {
  const answered = cluster.lines('answered');
  const arrived = new Set(cluster.lines('arrived'));
  return answered.filter((number) => !numberedRequest(Number(number)).ids.every((id) => arrived.has(id)));
}
