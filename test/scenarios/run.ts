/**
 * The long comparisons: spanflow with its defaults beside OpenTelemetry's `BatchSpanProcessor` and `exporter-trace-otlp-proto` with
 * theirs. Each has a process of its own and a backend of its own, in a third one, that counts the different span ids it took.
 *
 *     npm run scenarios                                all of them, in about six minutes
 *     npm run scenarios -- --only a,b                  some of them
 *     npm run scenarios -- --only virtual --seeds 50   those in virtual time, medians over so many seeds
 *     npm run scenarios -- --only a --seconds 8        a, b, e and f for so long; the outage of a and b is the middle half
 *
 * How to read a line (the figures are made up):
 *
 *        scenario                               who         sent  delivered          twice  refused  each    took
 *     a  1,000 spans/s for 8 s, 4 s of 503      spanflow   8,000      8,000  100.0 %     0       21  1.75   9.1 s
 *     a  1,000 spans/s for 8 s, 4 s of 503      official   8,000      6,000   75.0 %     0        4  1.31   9.7 s
 *
 * Of 8,000 spans the backend took 8,000 different ones from spanflow and 6,000 from the official packages; `twice` counts those that
 * came again, because their first answer got lost; `refused` counts the requests that met the outage or a 503 at random, `each` is how many
 * requests there were for each one that delivered its batch; `took` is the time from the
 * first span to the end of the shutdown, which both may take up to a minute for. In d the count is that of the moment in which
 * `forceFlush` resolves.
 *
 * Those in virtual time (`virtual/`) show what `adaptiveConcurrency` does on simulated backends, beside the best limit that never changes, one of 8, and `aimdConcurrency`. `attempts` are those per request;
 * `wasted` is the share of them that was refused, never answered, or given up; `limit` and `round trip` are means. What is outside its range is named at the end of the line.
 *
 * It exits with 0 if everything that went through spanflow arrived, and every figure of `adaptiveConcurrency` is within its range;
 * with fewer than 9 seeds there is no verdict on the latter.
 */
import { parseArgs } from 'node:util';
import { measure, type Result } from './compare.ts';
import { type Scenario, scenariosOf } from './scenarios.ts';
import { isWhole, tableOf } from './table.ts';
import { LEAST_SEEDS } from './virtual/scenarios.ts';
import { OTHERS_SEEDS, virtualTable } from './virtual/table.ts';

const { virtualSeeds, scenarios } = chosenBy(process.argv.slice(2));
const isRealFine = scenarios.length === 0 || (await showReal(scenarios));
const isVirtualFine = virtualSeeds === 0 || showVirtual(virtualSeeds);
process.exitCode = isRealFine && isVirtualFine ? 0 : 1;

async function showReal(chosen: readonly Scenario[]): Promise<boolean> {
  console.log(`${chosen.map(({ key, title }) => `${key}  ${title}`).join('\n')}\n`);
  const results = await resultsOf(chosen);
  console.log(tableOf(results));
  console.log(isWhole(results) ? '\nspanflow delivered everything.' : '\nspanflow did not deliver everything.');
  return isWhole(results);
}

function showVirtual(seeds: number): boolean {
  console.log(
    `\nIn virtual time, medians over ${seeds} seeds (over ${Math.min(seeds, OTHERS_SEEDS)} of what stands beside):\n`,
  );
  const { text, isFine } = virtualTable(seeds);
  console.log(text);
  if (seeds < LEAST_SEEDS) {
    console.log(`\nThe ranges are those of medians over ${LEAST_SEEDS} seeds or more: no verdict.`);
    return true;
  }
  console.log(isFine ? '\nadaptiveConcurrency is within its ranges.' : '\nadaptiveConcurrency is outside its ranges.');
  return isFine;
}

/** Those that last run side by side: they hardly take any time of a processor. The others have the machine to themselves. */
async function resultsOf(scenarios: readonly Scenario[]): Promise<Result[]> {
  const runs = scenarios.flatMap((scenario) => [
    { scenario, whose: 'spanflow' as const },
    { scenario, whose: 'official' as const },
  ]);
  const lasting = runs.filter(({ scenario }) => scenario.traffic.seconds > 0);
  const short = runs.filter((run) => !lasting.includes(run));
  const results = await Promise.all(lasting.map(({ scenario, whose }) => measure(scenario, whose)));
  for (const { scenario, whose } of short) results.push(await measure(scenario, whose));
  return results;
}

interface Chosen {
  readonly scenarios: readonly Scenario[];
  /** 0: none. */
  readonly virtualSeeds: number;
}

function chosenBy(args: readonly string[]): Chosen {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { seconds: text, only: text, seeds: text } });
  const seconds = wholeFrom(4, '--seconds', values.seconds ?? '60');
  const seeds = wholeFrom(1, '--seeds', values.seeds ?? '50');
  const scenarios = scenariosOf(seconds);
  const only = values.only?.split(',') ?? [...scenarios.map(({ key }) => key), 'virtual'];
  const unknown = only.find((key) => key !== 'virtual' && !scenarios.some((scenario) => scenario.key === key));
  if (unknown !== undefined) throw new RangeError(`--only takes a, b, c, d, e, f and virtual, and this is ${unknown}`);
  return {
    scenarios: scenarios.filter(({ key }) => only.includes(key)),
    virtualSeeds: only.includes('virtual') ? seeds : 0,
  };
}

function wholeFrom(least: number, name: string, given: string): number {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`${name} is a whole number from ${least}, and this is ${given}`);
}
