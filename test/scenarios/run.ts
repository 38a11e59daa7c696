/**
 * The long comparisons: spanflow with its defaults beside OpenTelemetry's `BatchSpanProcessor` and `exporter-trace-otlp-proto` with
 * theirs. Each has a process of its own and a backend of its own, in a third one, that counts the different span ids it took.
 *
 *     npm run scenarios                                all of them, in about two minutes
 *     npm run scenarios -- --only a,b                  some of them
 *     npm run scenarios -- --only a --seconds 8        a, b, e and f for so long; the outage of a and b is the middle half
 *
 * How to read a line (the figures are made up):
 *
 *        scenario                               who         sent  delivered          twice  refused    took
 *     a  1,000 spans/s for 8 s, 4 s of 503      spanflow   8,000      8,000  100.0 %     0       21   9.1 s
 *     a  1,000 spans/s for 8 s, 4 s of 503      official   8,000      6,000   75.0 %     0        4   9.7 s
 *
 * Of 8,000 spans the backend took 8,000 different ones from spanflow and 6,000 from the official packages; `twice` counts those that
 * came again, because their first answer got lost; `refused` counts the requests that met the outage; `took` is the time from the
 * first span to the end of the shutdown, which both may take up to a minute for. In d the count is that of the moment in which
 * `forceFlush` resolves.
 *
 * It exits with 0 if everything that went through spanflow arrived.
 */
import { parseArgs } from 'node:util';
import { measure, type Result } from './compare.ts';
import { type Scenario, scenariosOf } from './scenarios.ts';
import { isWhole, tableOf } from './table.ts';

const chosen = chosenBy(process.argv.slice(2));
console.log(`${chosen.map(({ key, title }) => `${key}  ${title}`).join('\n')}\n`);

const results = await resultsOf(chosen);
console.log(tableOf(results));
console.log(isWhole(results) ? '\nspanflow delivered everything.' : '\nspanflow did not deliver everything.');
process.exitCode = isWhole(results) ? 0 : 1;

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

function chosenBy(args: readonly string[]): readonly Scenario[] {
  const { values } = parseArgs({ args: [...args], options: { seconds: { type: 'string' }, only: { type: 'string' } } });
  const seconds = Number(values.seconds ?? 60);
  if (!Number.isSafeInteger(seconds) || seconds < 4) {
    throw new RangeError(`--seconds is a whole number from 4, and this is ${values.seconds}`);
  }
  const scenarios = scenariosOf(seconds);
  const only = values.only?.split(',') ?? scenarios.map(({ key }) => key);
  const unknown = only.find((key) => !scenarios.some((scenario) => scenario.key === key));
  if (unknown !== undefined) throw new RangeError(`--only takes a, b, c, d, e and f, and this is ${unknown}`);
  return scenarios.filter(({ key }) => only.includes(key));
}
