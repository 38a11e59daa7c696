/**
 * A service under load whose backend is dead, and then is not: `npm run soak`, some fourteen minutes for each protocol.
 *
 *     npm run soak                                    2 minutes for each phase
 *     npm run soak -- --seconds 20 --protocol http    some two and a half minutes in all
 *     npm run soak -- --rate 5000 --heap 512          fewer spans a second, a larger heap (MiB)
 *
 * The phases: healthy; then for each way to be dead (`refused`: nobody listens, `silent`: requests are taken, stored and never answered, `unavailable`: 503 or UNAVAILABLE) dead and back. The README of this folder says how to read the tables.
 * It exits with 0 if everything holds that depends neither on the machine nor on what else it does: the books at each moment, the bounds, a heap that is level, what the backend has stored, and no storm at a return.
 */
import { parseArgs } from 'node:util';
import type { Protocol, SoakPlan } from './plan.ts';
import { soak } from './soak.ts';
import { textOf } from './table.ts';
import { faultsOf } from './verdict.ts';

const PROTOCOLS: Readonly<Record<string, readonly Protocol[]>> = {
  http: ['http'],
  grpc: ['grpc'],
  both: ['http', 'grpc'],
};
/** After each of them the heap is collected, which is not among the costs. */
const SLICES = 12;

const { protocols, seconds, perSecond, heapMiB } = chosenBy(process.argv.slice(2));
const outcomes: boolean[] = [];
for (const protocol of protocols) outcomes.push(await show(protocol));
process.exitCode = outcomes.every(Boolean) ? 0 : 1;

async function show(protocol: Protocol): Promise<boolean> {
  const plan = planOf(protocol);
  console.log(
    `\n${protocol}: ${perSecond.toLocaleString('en')} spans/s of ten attributes, phases of ${seconds} s, --max-old-space-size=${heapMiB}, ` +
      `a batch is given up after ${plan.limits.maxElapsedMillis / 1_000} s, all else by its defaults\n`,
  );
  const result = await soak(plan);
  console.log(textOf(result));
  const faults = faultsOf(result);
  console.log(faults.length === 0 ? '\nAll of it holds.' : `\nIt does not hold:\n${faults.join('\n')}`);
  return faults.length === 0;
}

/** A backend that is dead for half of a phase is dead for good. The default is five minutes. */
function planOf(protocol: Protocol): SoakPlan {
  const maxElapsedMillis = Math.min(300_000, Math.max(5_000, seconds * 500));
  return {
    protocol,
    perSecond,
    slices: SLICES,
    sliceMillis: (seconds * 1_000) / SLICES,
    heapMiB,
    limits: { maxElapsedMillis },
  };
}

function chosenBy(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { seconds: text, rate: text, protocol: text, heap: text } });
  const protocols = PROTOCOLS[values.protocol ?? 'both'];
  if (protocols === undefined) throw new RangeError(`--protocol is http, grpc or both, and this is ${values.protocol}`);
  return {
    protocols,
    seconds: wholeFrom(12, '--seconds', values.seconds ?? '120'),
    perSecond: wholeFrom(100, '--rate', values.rate ?? '10000'),
    heapMiB: wholeFrom(64, '--heap', values.heap ?? '256'),
  };
}

function wholeFrom(least: number, name: string, given: string): number {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`${name} is a whole number from ${least}, and this is ${given}`);
}
