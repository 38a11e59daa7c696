/**
 * Two meetings: `npm run interop`, some minutes.
 *
 * Telemetry of every kind is sent to a real OpenTelemetry Collector in every way that spanflow has, and compared field by field with what it wrote to its files; and it refuses what it can refuse. Then programs with the SDKs of other languages send to our receiver, which is compared with what they made.
 *
 *     npm run interop -- otlpGrpc     only what is sent to the Collector in the ways whose names contain that
 *     npm run interop -- senders      only what is sent to our receiver
 *     npm run interop -- kafka        only what is exchanged with the Collector over a broker of Kafka
 *     npm run interop -- python       of the senders, only the SDKs whose names contain that
 *
 * The Collector and the programs are built once. Where a toolchain is missing, or packages that cannot be fetched, what needs it does not run, it says so, and exits with 0.
 */
import { kafkaJars, NoBroker } from '../kafka/broker.ts';
import { collectorBinary, NoCollector } from './collector/build.ts';
import { type Finding, findingsOf } from './equality.ts';
import { findingsOfKafka } from './kafka.ts';
import { REFUSALS } from './refusals.ts';
import { wrongIn } from './refused.ts';
import { findingsOfSenders } from './senders/run.ts';
import type { Sender } from './senders/sender.ts';
import { SENDERS } from './senders/senders.ts';
import { type RefusalFinding, refusalTableOf, tableOf } from './table.ts';
import { WAYS, type Way } from './ways.ts';

const asked = process.argv
  .slice(2)
  .find((argument) => argument !== '--only')
  ?.toLowerCase();

/** Those whose names contain what is asked for. */
function askedFor<T extends { readonly name: string }>(all: readonly T[]): readonly T[] {
  return all.filter(({ name }) => name.toLowerCase().includes(asked ?? ''));
}

async function meetCollector(ways: readonly Way[]): Promise<boolean> {
  try {
    const binary = await collectorBinary();
    const isEqual = await equality(ways, binary);
    return (asked !== undefined || (await refusals(binary))) && isEqual;
  } catch (error) {
    if (!(error instanceof NoCollector)) throw error;
    console.warn(`NO COLLECTOR: nothing was sent to it and nothing was compared, because ${error.message}.`);
    return true;
  }
}

async function equality(ways: readonly Way[], binary: string): Promise<boolean> {
  const findings: Finding[] = [];
  for (const way of ways) findings.push(...(await findingsOf(way, binary)));
  return printed('what was sent', findings);
}

async function refusals(binary: string): Promise<boolean> {
  const findings: RefusalFinding[] = [];
  for (const refusal of REFUSALS) {
    for (const protocol of refusal.protocols) {
      findings.push({ says: refusal.says, protocol, wrong: await wrongIn(refusal, protocol, binary) });
    }
  }
  console.log(`${refusalTableOf(findings)}\n`);
  return findings.every(({ wrong }) => wrong === undefined);
}

/** Over topics of a real broker, in both directions. */
async function meetOverKafka(): Promise<boolean> {
  try {
    return printed('over Kafka', await findingsOfKafka(await collectorBinary(), await kafkaJars()));
  } catch (error) {
    if (!(error instanceof NoCollector) && !(error instanceof NoBroker)) throw error;
    console.warn(`NO KAFKA: nothing was compared over it, because ${error.message}.`);
    return true;
  }
}

async function meetSenders(senders: readonly Sender[]): Promise<boolean> {
  const findings = await findingsOfSenders(senders);
  return findings.length === 0 || printed('what has arrived', findings);
}

function printed(title: string, findings: readonly Finding[]): boolean {
  console.log(`${tableOf(title, findings)}\n`);
  return findings.every(({ difference }) => difference === undefined);
}

const isKafkaAsked = asked === undefined || asked === 'kafka';
const ways = asked === 'senders' ? [] : askedFor(WAYS);
const senders = asked === 'senders' ? SENDERS : askedFor(SENDERS);
if (ways.length + senders.length === 0 && !isKafkaAsked) {
  const names = [...WAYS, ...SENDERS].map(({ name }) => name).join('; ');
  throw new RangeError(`nothing has ${asked} in its name. There are: senders; kafka; ${names}`);
}
const isRight = ways.length === 0 || (await meetCollector(ways));
const isRightOverKafka = !isKafkaAsked || (await meetOverKafka());
const hasArrived = await meetSenders(senders);
process.exitCode = isRight && isRightOverKafka && hasArrived ? 0 : 1;
