// Programs in processes of their own, each of which is asked for one thing after the other.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a program can be asked for, by name. An answer is plain data. */
export type Verbs = Readonly<Record<string, () => unknown>>;

type Answer = { readonly value: unknown } | { readonly error: string };

export interface ChildOptions {
  /** Given to its Node. Default: none. */
  readonly flags?: readonly string[];
  /** Then it is ended, by its id. */
  readonly boundMillis: number;
  /** The file of the program. Default: the one of its name. */
  readonly path?: string;
}

/** A running program. */
export class Child {
  readonly #name: string;
  readonly #process: ChildProcess;
  /** How it ended. */
  readonly #ended: Promise<string>;

  constructor(name: string, input: object, { boundMillis, flags = [], ...given }: ChildOptions) {
    this.#name = name;
    const { path = fileURLToPath(new URL(`${name}.ts`, import.meta.url)) } = given;
    // Nothing of the one who starts it: neither OTEL_* nor what was given to its Node.
    this.#process = fork(path, [JSON.stringify(input)], { env: {}, execArgv: [...flags], stdio: 'inherit' });
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), boundMillis);
    this.#ended = new Promise((resolve) => {
      this.#process.on('error', (error) => resolve(String(error)));
      this.#process.on('exit', (code, signal) => {
        clearTimeout(kill);
        resolve(signal === 'SIGKILL' ? `took longer than ${boundMillis} ms` : `ended with ${signal ?? code}`);
      });
    });
  }

  /** One question at a time. It rejects when the program fails at it, or ends without an answer. */
  async ask<Value>(verb: string): Promise<Value> {
    const answered = new Promise<Answer>((resolve) => this.#process.once('message', resolve));
    const ended = this.#ended.then((how): Answer => ({ error: how }));
    if (this.#process.connected) this.#process.send(verb);
    const answer = await Promise.race([answered, ended]);
    if ('error' in answer) throw new Error(`${this.#name}, asked to ${verb}: ${answer.error}`);
    return answer.value as Value;
  }

  /** Lets it go, and resolves when it has ended by itself, or was ended. */
  async end(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#ended;
  }
}

/** The program's side: answers until whoever started it lets go. */
export function answer(verbs: Verbs): void {
  let isBusy = false;
  process.on('message', async (verb: string) => {
    isBusy = true;
    const given = await answerTo(verbs, verb);
    isBusy = false;
    process.send?.(given);
  });
  // Nobody waits for the answer any longer: whoever asked is gone.
  process.on('disconnect', () => isBusy && process.exit(1));
}

async function answerTo(verbs: Verbs, verb: string): Promise<Answer> {
  try {
    return { value: await verbs[verb]?.() };
  } catch (error) {
    return { error: String(error) };
  }
}

/** What the program was started with. */
export function inputOf<Input>(): Input {
  return JSON.parse(process.argv[2] as string) as Input;
}
