// Interleaved measuring: every round runs every contestant, so that whatever else the machine does hits all of them alike.

export interface Contestant {
  readonly name: string;
  /** Does the work once, and returns something that depends on it. */
  readonly run: () => unknown;
  /** How many items one run handles. */
  readonly items: number;
}

export interface RoundsOptions {
  /** How long each contestant runs before the first round: by then the engine has compiled most of what is hot. */
  readonly warmUpMillis: number;
  readonly rounds: number;
  /** How long each contestant runs in a round. */
  readonly millisPerRound: number;
}

/** Nanoseconds of CPU an item of each contestant, for each round: those of the collector's and the compiler's threads too, and none of another process. */
export type Measured = Readonly<Record<string, number[]>>;

export interface Figure {
  readonly median: number;
  /** Half of the values lie between these two. */
  readonly low: number;
  readonly high: number;
}

export function measure(contestants: readonly Contestant[], options: RoundsOptions): Measured {
  const measured: Measured = Object.fromEntries(contestants.map(({ name }) => [name, []]));
  for (const contestant of contestants) nanosPerItem(contestant, options.warmUpMillis);
  for (let round = 0; round < options.rounds; round++) {
    // Who runs after whom changes, so that nobody always inherits the same garbage.
    const first = round % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      measured[contestant.name]?.push(nanosPerItem(contestant, options.millisPerRound));
    }
  }
  return measured;
}

/** How many times less ours is, in each round: what slows a whole round down leaves its ratio alone. */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Figure {
  return figureOf(ours.map((nanos, round) => (theirs[round] ?? Number.NaN) / nanos));
}

export function figureOf(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.round(part * (sorted.length - 1))] ?? Number.NaN;
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/** What the runs returned goes here, so that no compiler finds out that nobody reads it. */
export let kept: unknown;

function nanosPerItem({ run, items }: Contestant, millis: number): number {
  const before = process.cpuUsage();
  const end = performance.now() + millis;
  let runs = 0;
  do {
    kept = run();
    runs += 1;
  } while (performance.now() < end);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / (runs * items);
}
