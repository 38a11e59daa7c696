/**
 * Processes that write through `durable()` and are killed at random moments: `npm run crash -- --runs 1000 --seed 7`.
 *
 *     --runs N         how many queues are killed, default 1,000
 *     --seed N         which moments, default 1
 *     --sync normal    as the option of durable(); default full
 *
 * After each kill the disk is read with no code of ours, and at the end everything is drained. The exit code is 1 when something that was answered has not arrived, something arrived twice that had been removed, or something arrived that was never written.
 */
import { parseArgs } from 'node:util';
import { crash } from './crash.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { runs: text, seed: text, sync: text } });
const [runs, seed] = [values.runs ?? '1000', values.seed ?? '1'].map(Number) as [number, number];
const { sync = 'full' } = values;
if (!(runs > 0) || !Number.isInteger(seed) || (sync !== 'full' && sync !== 'normal'))
  throw new RangeError('--runs and --seed are whole numbers, and --sync is full or normal');

const show = (done: number) => {
  if (done % 128 === 0) console.log(`${done} of ${runs}`);
};
const { faults, ...figures } = await crash({ runs, seed, sync, onChain: show });
console.log(`seed ${seed}, sync ${sync}:`, figures);
for (const fault of faults.slice(0, 100)) console.log(fault);
console.log(`${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
