import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/model/errors.ts';
import { seededRandom } from '../support/random.ts';
import { type Backend, startBackend } from './backend.ts';
import { History } from './history.ts';
import { batchesOnDisk } from './onDisk.ts';
import type { Orders } from './programs/victim.ts';
import { type Told, Victim } from './victim.ts';

/** When a process is killed. `opening`: a moment after it was told to begin · `writing`: after so many answers · `sending`: after so many arrivals · `closing`: a moment after it was told to shut down. */
const MOMENTS = ['opening', 'writing', 'writing', 'sending', 'sending', 'closing'] as const;
type Moment = (typeof MOMENTS)[number];

/** Queues that one process has at once, so that one kill is one of each. */
const LANES = 4;
/** Each of them is killed so often before it is drained. */
const LIVES = 8;
const BATCHES = 40;

export interface CrashPlan {
  /** How many queues are killed, in all. */
  readonly runs: number;
  readonly seed: number;
  readonly sync: 'full' | 'normal';
  readonly onChain?: (killed: number) => void;
}

export interface Crashed {
  readonly killed: Readonly<Record<Moment, number>>;
  readonly begun: number;
  readonly answered: number;
  readonly arrived: number;
  /** Batches that had arrived and lay on disk yet when a process was killed. */
  readonly inFlight: number;
  /** Batches that arrived more than once, each of them in flight at a kill. */
  readonly duplicates: number;
  readonly faults: readonly string[];
}

/** Kills processes that write, restarts them, and compares what was answered with what arrives. */
export async function crash({ runs, seed, sync, onChain = () => {} }: CrashPlan): Promise<Crashed> {
  const folder = mkdtempSync(join(tmpdir(), 'spanflow-crash-'));
  const killed = { opening: 0, writing: 0, sending: 0, closing: 0 };
  const histories: History[] = [];
  const env = { NODE_COMPILE_CACHE: join(folder, 'cache') };
  try {
    for (let done = 0; done < runs; ) {
      const lives = Math.min(LIVES, Math.ceil((runs - done) / LANES));
      const chainSeed = seed * 1_000_003 + histories.length;
      const chain = new Chain({ folder: join(folder, `${histories.length}`), lives, seed: chainSeed, sync, env });
      histories.push(await chain.run(killed));
      done += lives * LANES;
      onChain(done);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const sum = (of: (history: History) => number) => histories.reduce((total, history) => total + of(history), 0);
  return {
    killed,
    begun: sum(({ begun }) => begun.size),
    answered: sum(({ answered }) => answered.size),
    arrived: sum(({ arrivals }) => arrivals),
    inFlight: sum(({ inFlight }) => inFlight),
    duplicates: sum(({ duplicates }) => duplicates),
    faults: histories.flatMap(({ faults }) => faults),
  };
}

interface ChainPlan {
  readonly folder: string;
  readonly lives: number;
  readonly seed: number;
  readonly sync: 'full' | 'normal';
  readonly env: NodeJS.ProcessEnv;
}

/** Some queues over some lives, each in a process that is killed; the last one drains them. */
class Chain {
  readonly #plan: ChainPlan;
  readonly #history = new History();
  readonly #random: () => number;
  #next: Victim;
  #onArrival = () => {};

  constructor(plan: ChainPlan) {
    this.#plan = plan;
    this.#random = seededRandom(plan.seed);
    mkdirSync(plan.folder, { recursive: true });
    this.#next = new Victim(plan.env);
  }

  async run(killed: Record<Moment, number>): Promise<History> {
    const { lives, seed } = this.#plan;
    const backend = await startBackend(seed);
    backend.onFault = (fault) => this.#history.faults.push(fault);
    backend.onArrival = (arrival) => {
      this.#history.arrived(arrival);
      this.#onArrival();
    };
    try {
      for (let life = 0; life < lives; life += 1) {
        const moment = MOMENTS[Math.floor(this.#random() * MOMENTS.length)] as Moment;
        await this.#live(backend, life, moment);
        killed[moment] += LANES;
      }
      backend.isWell = true;
      await this.#drain(backend, lives);
    } finally {
      this.#next.kill();
      await backend.close();
    }
    return this.#history;
  }

  #take(): Victim {
    const victim = this.#next;
    this.#next = new Victim(this.#plan.env);
    return victim;
  }

  #lanes(backend: Backend, life: number): Orders['lanes'] {
    return Array.from({ length: LANES }, (_, lane) => ({
      name: `${lane}`,
      directory: join(this.#plan.folder, `${lane}`),
      url: backend.urlOf(`${lane}`, life),
    }));
  }

  #orders(backend: Backend, life: number, drains: boolean): Orders {
    const { seed, sync } = this.#plan;
    return { lanes: this.#lanes(backend, life), life, seed: seed + life, sync, batches: BATCHES, drains };
  }

  /** One life, to its kill; then what lies on the disks. */
  async #live(backend: Backend, life: number, moment: Moment): Promise<void> {
    const victim = this.#take();
    const executioner = new Executioner(victim, moment, this.#random);
    this.#onArrival = () => executioner.arrived();
    victim.onTold = (told) => {
      this.#note(told, life);
      executioner.told(told[0]);
    };
    const orders = this.#orders(backend, life, false);
    victim.order(orders);
    executioner.begin();
    const { code, stderr } = await victim.ended;
    executioner.end();
    if (stderr !== '' || (code !== null && code !== 0)) this.#history.faults.push(`life ${life}: ${code} ${stderr}`);
    for (const { name, directory } of orders.lanes) this.#look(name, directory, life);
  }

  #look(lane: string, directory: string, life: number): void {
    try {
      this.#history.killed(lane, life, batchesOnDisk(directory));
    } catch (error) {
      this.#history.faults.push(`after life ${life} of lane ${lane}: ${messageOf(error)}`);
    }
  }

  async #drain(backend: Backend, life: number): Promise<void> {
    const victim = this.#take();
    const drained: string[] = [];
    victim.onTold = (told) => {
      this.#note(told, life);
      if (told[0] === 'drained') drained.push(told.slice(2).join(' '));
    };
    const orders = this.#orders(backend, life, true);
    victim.order(orders);
    const { stderr } = await victim.ended;
    const { faults } = this.#history;
    if (drained.join() !== Array(LANES).fill('0 {}').join())
      faults.push(`the queues could not be drained: ${drained.join()} ${stderr}`);
    this.#history.drained();
    for (const { name, directory } of orders.lanes) {
      const left = batchesOnDisk(directory);
      if (left.size > 0) faults.push(`lane ${name} is empty, and ${[...left].join()} lie on its disk`);
    }
  }

  #note([word, batch = '', ...rest]: Told, life: number): void {
    if (word === 'begun') this.#history.begin(batch, life);
    else if (word === 'answered') this.#history.answered.add(batch);
    // While it shuts down, a batch may be refused; who exports it is told.
    else if (word === 'refused' && !rest.join(' ').includes('shut down'))
      this.#history.faults.push(`${batch} was refused: ${rest.join(' ')}`);
    else if (word === 'failed') this.#history.faults.push([word, batch, ...rest].join(' '));
  }
}

/** Kills a process at its moment. Whatever is counted may not come: then it is killed when all is written, and a while has passed. */
class Executioner {
  readonly #victim: Victim;
  readonly #moment: Moment;
  readonly #afterMillis: number;
  #left: number; // of what is counted
  #timer: NodeJS.Timeout | undefined;

  constructor(victim: Victim, moment: Moment, random: () => number) {
    this.#victim = victim;
    this.#moment = moment;
    this.#left = 1 + Math.floor(random() * LANES * BATCHES * 0.8);
    this.#afterMillis = random() * 20;
  }

  begin(): void {
    if (this.#moment === 'opening') this.#killAfter(this.#afterMillis * 3);
  }

  told(word: string): void {
    if (word === 'written') this.#killAfter(this.#afterMillis * 5);
    if (word === 'answered' && (this.#moment === 'writing' || this.#moment === 'closing')) this.#count();
  }

  arrived(): void {
    if (this.#moment === 'sending') this.#count();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #count(): void {
    this.#left -= 1;
    if (this.#left !== 0) return;
    if (this.#moment === 'closing') this.#victim.close();
    this.#killAfter(this.#moment === 'closing' ? this.#afterMillis : 0);
  }

  #killAfter(millis: number): void {
    this.#timer ??= setTimeout(() => this.#victim.kill(), millis);
  }
}
