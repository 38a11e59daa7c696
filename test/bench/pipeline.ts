/** The whole way of a span, beside the official packages and beside posting alone: `node test/bench/pipeline.ts [--brief] [--json] [--profile <folder>]`. */
import { parseArgs } from 'node:util';
import { Child } from '../scenarios/child.ts';
import type { Taken } from './programs/backend.ts';
import type { Throughput, ThroughputInput, Whose } from './programs/throughput.ts';
import { figureOf } from './support/rounds.ts';
import { machine } from './support/table.ts';

const { values: flags } = parseArgs({
  options: { brief: { type: 'boolean' }, json: { type: 'boolean' }, profile: { type: 'string' } },
});
const settings = {
  window: 16_384,
  official: { maxQueueSize: 32_768, maxExportBatchSize: 2_048, scheduledDelayMillis: 1_000 },
  raw: { spansPerRequest: 2_000, concurrency: 8 },
  ...(flags.brief ? { warmUpMillis: 200, millis: 200 } : { warmUpMillis: 1_500, millis: 1_500 }),
};
const rounds = flags.brief ? 1 : 5;
const contestants: readonly Whose[] = ['spanflow', 'official', 'raw posting'];

const backend = new Child('../bench/programs/backend', { answerMillis: 0 }, { boundMillis: 600_000 });
const url = await backend.ask<string>('listen');
const rows = [];
for (const workload of ['request', 'bare'] as const) {
  const results = new Map<Whose, Throughput[]>();
  for (let round = 0; round < rounds; round++) {
    for (const whose of contestants) {
      const profile =
        flags.profile === undefined ? undefined : `${flags.profile}/${workload}-${whose}-${round}.cpuprofile`;
      const input: ThroughputInput = { whose, url, workload, ...settings, data: process.env.SPANFLOW_DATA, profile };
      const child = new Child('../bench/programs/throughput', input, { boundMillis: 60_000 });
      try {
        const result = await child.ask<Throughput>('run');
        const taken = await backend.ask<Taken>('take');
        if (taken.spans !== result.offered) console.error(`${whose}: offered ${result.offered}, took ${taken.spans}`);
        results.set(whose, [...(results.get(whose) ?? []), result]);
      } finally {
        await child.end();
      }
    }
  }
  for (const whose of contestants) {
    const all = results.get(whose) ?? [];
    rows.push({
      workload,
      whose,
      spansPerSecond: figureOf(all.map((result) => result.spansPerSecond)),
      cpuMicrosPerSpan: figureOf(all.map((result) => result.cpuMicrosPerSpan)),
    });
  }
}
await backend.end();

if (flags.json) console.log(JSON.stringify({ machine: machine(), settings, rounds, rows }, undefined, 2));
else {
  console.log(`${machine()}; ${rounds} rounds`);
  for (const { workload, whose, spansPerSecond: rate, cpuMicrosPerSpan: cpu } of rows) {
    const figures = `${rate.median.toFixed(0).padStart(9)} spans/s (${rate.low.toFixed(0)} … ${rate.high.toFixed(0)})  ${cpu.median.toFixed(2)} µs of CPU a span (${cpu.low.toFixed(2)} … ${cpu.high.toFixed(2)})`;
    console.log(`${workload.padEnd(8)} ${whose.padEnd(12)} ${figures}`);
  }
}
