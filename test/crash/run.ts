/**
 * Processes that write through `durable()` and are killed at random moments: `npm run crash -- --runs 1000 --seed 7`.
 *
 *     --runs N         how many queues are killed, or lose power; default 1,000
 *     --seed N         which moments, default 1
 *     --sync normal    as the option of durable(); default full
 *     --power-loss     the power goes instead: what was not synced is dropped, reordered or torn. It needs Linux and `cc`
 *     --outage N       nobody is killed: N spans come at full speed while the backend is away, and then all of them are sent (3600000: some 400 MB)
 *
 * After each kill the disk is read with no code of ours, and at the end everything is drained. The exit code is 1 when something that was answered has not arrived, something arrived twice that had been removed, or something arrived that was never written. The README of this folder says how it is made.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crash } from './crash.ts';
import { outage } from './outage.ts';
import { losePower } from './powerLoss/powerLoss.ts';
import { compileShim } from './powerLoss/shim.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: { runs: text, seed: text, sync: text, outage: text, 'power-loss': { type: 'boolean' } },
});
const [runs, seed] = [values.runs ?? '1000', values.seed ?? '1'].map(Number) as [number, number];
const sync = values.sync === 'normal' ? 'normal' : 'full';
if (!(runs > 0) || !Number.isInteger(seed) || sync !== (values.sync ?? 'full'))
  throw new RangeError('--runs and --seed are whole numbers, and --sync is full or normal');

let shown = 0;
const show = (done: number) => {
  if (done < shown + 100) return;
  shown = done;
  console.log(`${done} of ${runs}`);
};

if (values.outage !== undefined) await showOutage(Number(values.outage));
else await (values['power-loss'] ? showLostPower() : showKilled());

async function showKilled(): Promise<void> {
  const { faults, ...figures } = await crash({ runs, seed, sync, onChain: show });
  print(figures, faults);
}

async function showLostPower(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'spanflow-shim-'));
  const shim = join(folder, 'shim.so');
  try {
    const problem = compileShim(shim);
    if (problem !== undefined) {
      console.log(`NOTHING WAS SHOWN about losses of power: ${problem}`);
      return;
    }
    const { faults, ...figures } = await losePower({ runs, seed, sync, shim, onLife: show });
    print(figures, faults);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function showOutage(spans: number): Promise<void> {
  if (!(Number.isInteger(spans) && spans > 0)) throw new RangeError('--outage is a number of spans');
  const result = await outage({ spans, sync });
  console.log(`sync ${sync}:`, result);
  const isWhole = result.missing + result.twice === 0 && Object.keys(result.lost).length === 0;
  process.exitCode = isWhole ? 0 : 1;
}

function print(figures: object, faults: readonly string[]): void {
  console.log(`seed ${seed}, sync ${sync}:`, figures);
  for (const fault of faults.slice(0, 100)) console.log(fault);
  console.log(`${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
