/**
 * Telemetry of every kind, sent to a real OpenTelemetry Collector in every way that spanflow has, and compared field by field with what it wrote to its files: `npm run interop`.
 *
 *     npm run interop -- otlpGrpc     the ways whose names contain that
 *
 * The Collector is built from its Go modules, once. Where Go is missing, or modules that cannot be fetched, nothing runs, it says so, and exits with 0.
 */
import { collectorBinary, NoCollector } from './collector/build.ts';
import { type Finding, findingsOf } from './equality.ts';
import { tableOf } from './table.ts';
import { WAYS } from './ways.ts';

const asked = process.argv[2]?.toLowerCase() ?? '';

async function run(): Promise<boolean> {
  const binary = await collectorBinary();
  const findings: Finding[] = [];
  for (const way of WAYS.filter(({ name }) => name.toLowerCase().includes(asked))) {
    findings.push(...(await findingsOf(way, binary)));
  }
  console.log(tableOf(findings));
  return findings.length > 0 && findings.every(({ difference }) => difference === undefined);
}

try {
  process.exitCode = (await run()) ? 0 : 1;
} catch (error) {
  if (!(error instanceof NoCollector)) throw error;
  console.warn(`NO COLLECTOR: nothing was sent and nothing was compared, because ${error.message}.`);
}
