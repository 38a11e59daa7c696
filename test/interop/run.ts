/**
 * Telemetry of every kind, sent to a real OpenTelemetry Collector in every way that spanflow has, and compared field by field with what it wrote to its files; and what becomes of what it refuses: `npm run interop`, some minute.
 *
 *     npm run interop -- otlpGrpc     only what is sent in the ways whose names contain that
 *
 * The Collector is built from its Go modules, once. Where Go is missing, or modules that cannot be fetched, nothing runs, it says so, and exits with 0.
 */
import { collectorBinary, NoCollector } from './collector/build.ts';
import { type Finding, findingsOf } from './equality.ts';
import { REFUSALS } from './refusals.ts';
import { wrongIn } from './refused.ts';
import { type RefusalFinding, refusalTableOf, tableOf } from './table.ts';
import { WAYS } from './ways.ts';

const asked = process.argv[2]?.toLowerCase();

async function equality(binary: string): Promise<boolean> {
  const ways = WAYS.filter(({ name }) => name.toLowerCase().includes(asked ?? ''));
  if (ways.length === 0) throw new RangeError(`no way has ${asked} in its name: ${WAYS.map(({ name }) => name)}`);
  const findings: Finding[] = [];
  for (const way of ways) findings.push(...(await findingsOf(way, binary)));
  console.log(tableOf(findings));
  return findings.every(({ difference }) => difference === undefined);
}

async function refusals(binary: string): Promise<boolean> {
  const findings: RefusalFinding[] = [];
  for (const refusal of REFUSALS) {
    for (const protocol of refusal.protocols) {
      findings.push({ says: refusal.says, protocol, wrong: await wrongIn(refusal, protocol, binary) });
    }
  }
  console.log(`\n${refusalTableOf(findings)}`);
  return findings.every(({ wrong }) => wrong === undefined);
}

try {
  const binary = await collectorBinary();
  const isEqual = await equality(binary);
  const isRight = asked !== undefined || (await refusals(binary));
  process.exitCode = isEqual && isRight ? 0 : 1;
} catch (error) {
  if (!(error instanceof NoCollector)) throw error;
  console.warn(`NO COLLECTOR: nothing was sent and nothing was compared, because ${error.message}.`);
}
