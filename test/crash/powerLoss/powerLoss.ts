import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { of } from 'rxjs';
import { durable } from '../../../src/durable/index.ts';
import { messageOf } from '../../../src/model/errors.ts';
import { seededRandom } from '../../support/random.ts';
import { batchNameOf, faultOf } from '../batches.ts';
import { Victim } from '../victim.ts';
import { Disk, LOSSES, type Losing } from './disk.ts';
import { type Deed, deedsIn } from './journal.ts';

/** So often the power goes in what one process has done; one of these disks is where the next process starts. */
const CASES = 24;
/** So many processes after another, then it begins anew with an empty disk. */
const LIVES = 4;
const BATCHES = 150;
/** Not all of it is there when the queue is opened for the first time: each of them has to be on the disk. */
const DIRECTORY = ['some', 'where', 'queue'];

export interface PowerLossPlan {
  /** How often the power goes, in all. */
  readonly runs: number;
  readonly seed: number;
  readonly sync: 'full' | 'normal';
  /** The shim, compiled. */
  readonly shim: string;
  readonly onLife?: (done: number) => void;
}

export interface LostPower {
  readonly cases: Readonly<Record<Losing, number>>;
  /** Writes, names and truncations that were not synced when the power went. */
  readonly unsynced: number;
  /** Batches that were answered and had not arrived by then, and had to be there. */
  readonly required: number;
  readonly recovered: number;
  readonly faults: readonly string[];
}

/** What the processes of one disk have told. */
class Tellings {
  readonly begun: Set<string>;
  readonly answered: Set<string>;
  readonly arrived: Set<string>;

  constructor(before?: Tellings) {
    this.begun = new Set(before?.begun);
    this.answered = new Set(before?.answered);
    this.arrived = new Set(before?.arrived);
  }

  note(text: string): void {
    for (const line of text.trim().split('\n')) {
      const [word, batch = ''] = line.split(' ');
      if (word === 'begun') this.begun.add(batch);
      else if (word === 'answered') this.answered.add(batch);
      else if (word === 'arrived') this.arrived.add(batch);
    }
  }

  get required(): string[] {
    return [...this.answered].filter((batch) => !this.arrived.has(batch));
  }
}

/** Lets processes write under the shim, takes the power away at any point of what they did, and starts on what is left. */
export async function losePower(plan: PowerLossPlan): Promise<LostPower> {
  const folder = mkdtempSync(join(tmpdir(), 'spanflow-power-'));
  const losses = new Losses(plan, folder);
  try {
    for (let life = 0; losses.done < plan.runs; life += 1) {
      if (life % LIVES === 0) losses.beginAnew();
      await losses.live(life);
      plan.onLife?.(losses.done);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return losses.result;
}

class Losses {
  readonly #plan: PowerLossPlan;
  readonly #folder: string;
  readonly #random: () => number;
  readonly #cases = { none: 0, all: 0, prefix: 0, some: 0, torn: 0 };
  readonly #faults: string[] = [];
  #unsynced = 0;
  #required = 0;
  #recovered = 0;
  #told = new Tellings(); // of the processes before, as far as their disk has lived
  done = 0;

  constructor(plan: PowerLossPlan, folder: string) {
    this.#plan = plan;
    this.#folder = folder;
    this.#random = seededRandom(plan.seed);
  }

  get result(): LostPower {
    const [unsynced, required, recovered] = [this.#unsynced, this.#required, this.#recovered];
    return { cases: this.#cases, unsynced, required, recovered, faults: this.#faults };
  }

  beginAnew(): void {
    this.#told = new Tellings();
    rmSync(this.#root, { recursive: true, force: true });
    mkdirSync(this.#root);
  }

  get #root(): string {
    return join(this.#folder, 'root');
  }

  /** One process, and the ends of power in what it has done. On one of the disks the next process starts. */
  async live(life: number): Promise<void> {
    const disk = new Disk(this.#root);
    const told = new Tellings(this.#told);
    const deeds = await this.#deeds(life);
    const points = this.#points(deeds);
    const heir = points[Math.floor(this.#random() * points.length)];
    for (const [index, deed] of deeds.entries()) {
      disk.apply(deed);
      if (deed.kind === 'told') told.note(deed.text);
      for (const point of points.filter((one) => one === index)) await this.#lose(disk, told, point === heir, life);
    }
    const next = join(this.#folder, 'next');
    rmSync(this.#root, { recursive: true });
    if (existsSync(next)) renameSync(next, this.#root);
    else mkdirSync(this.#root);
  }

  async #deeds(life: number): Promise<Deed[]> {
    const { seed, sync, shim } = this.#plan;
    const journal = join(this.#folder, 'journal');
    rmSync(journal, { force: true });
    const victim = new Victim({
      ...{ NODE_COMPILE_CACHE: join(this.#folder, 'cache') },
      ...{ LD_PRELOAD: shim, CRASH_ROOT: this.#root, CRASH_JOURNAL: journal },
    });
    const isKilled = this.#random() < 0.5;
    victim.onTold = ([word]) => {
      if (word === 'written' && isKilled) victim.kill();
      else if (word === 'written') victim.close();
    };
    const lanes = [{ name: `${life}`, directory: join(this.#root, ...DIRECTORY) }];
    victim.order({ lanes, life, seed: seed + life, sync, batches: BATCHES, drains: false });
    const { code, stderr } = await victim.ended;
    if (stderr !== '' || (code !== null && code !== 0)) this.#faults.push(`life ${life} ended with ${code}: ${stderr}`);
    return deedsIn(readFileSync(journal));
  }

  /** Where the power goes: anywhere, while the queue is opened, in front of a sync, or behind an answer. */
  #points(deeds: readonly Deed[]): number[] {
    const all = deeds.map((_, index) => index);
    const opened = deeds.findIndex((deed) => deed.kind === 'told' && deed.text.startsWith('opened'));
    const places = [
      all,
      all.slice(0, opened + 1),
      all.filter((index) => deeds[index + 1]?.kind.startsWith('sync')),
      all.filter((index) => isAnswer(deeds[index])),
    ].filter(({ length }) => length > 0);
    const count = Math.min(CASES, this.#plan.runs - this.done);
    const one = <T>(values: readonly T[]) => values[Math.floor(this.#random() * values.length)] as T;
    return Array.from({ length: count }, () => one(one(places)));
  }

  async #lose(disk: Disk, told: Tellings, isHeir: boolean, life: number): Promise<void> {
    const losing = LOSSES[this.done % LOSSES.length] as Losing;
    const target = join(this.#folder, 'case');
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target);
    disk.writeTo(target, losing, this.#random);
    if (isHeir) this.#bequeath(target, told);
    this.#cases[losing] += 1;
    this.#unsynced += disk.unsynced;
    this.#required += told.required.length;
    const faults = await this.#faultsOf(join(target, ...DIRECTORY), told);
    this.#faults.push(...faults.map((fault) => `case ${this.done} (${losing}), life ${life}: ${fault}`));
    this.done += 1;
  }

  #bequeath(target: string, told: Tellings): void {
    const next = join(this.#folder, 'next');
    rmSync(next, { recursive: true, force: true });
    cpSync(target, next, { recursive: true });
    this.#told = new Tellings(told);
  }

  /** Starts on what is left, and compares what is sent then with what was told. */
  async #faultsOf(directory: string, told: Tellings): Promise<string[]> {
    const batches = new Map<string, ReadableSpan[]>();
    const sink = {
      name: 'found',
      export: ({ items }: { readonly items: readonly ReadableSpan[] }) => {
        batches.set(batchNameOf(items), [...items]);
        return of({});
      },
    };
    const queue = durable(sink, { directory, flush: 'delivered' });
    try {
      await queue.opened();
      await queue.forceFlush();
    } catch (error) {
      return [messageOf(error)];
    } finally {
      await queue.shutdown();
    }
    this.#recovered += batches.size;
    const { lost } = queue.stats();
    const gone = told.required.filter((batch) => !batches.has(batch));
    return [
      ...(gone.length > 0 ? [`${gone.length} of ${told.required.length} that were answered are gone, ${gone[0]}`] : []),
      ...[...batches.keys()].filter((batch) => !told.begun.has(batch)).map((batch) => `${batch} was never written`),
      ...[...batches.values()].flatMap((items) => faultOf(items) ?? []),
      ...(Object.keys(lost).length > 0 ? [`lost: ${JSON.stringify(lost)}`] : []),
      ...(existsSync(join(directory, 'damaged.db')) ? ['it was set aside as damaged'] : []),
    ];
  }
}

function isAnswer(deed: Deed | undefined): boolean {
  return deed?.kind === 'told' && deed.text.startsWith('answered');
}
