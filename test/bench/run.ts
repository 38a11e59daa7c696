/**
 * All benchmarks in one go, each beside the official packages: `npm run bench`, in some ten minutes on a machine that has nothing else to do.
 *
 *     npm run bench -- --brief               each once and only for a moment: that it works, not how fast
 *     npm run bench -- --json                for programs
 *     npm run bench -- --only codec,ways     of codec, throughput, offered, latency, intake, ways
 *     npm run bench -- --profile folder      with CPU profiles of those that are measured in throughput and ways
 *
 * The exit code says that the benchmarks ran, and nothing of the figures; `budgets.ts` has the reasons for the bars.
 */
import { CODEC_BRIEF, CODEC_FULL } from './codec.ts';
import { pipelineBenchmarks } from './pipeline.ts';
import { type BenchOptions, type Found, show } from './support/benchmark.ts';
import { runOnce } from './support/children.ts';
import { type Row, tableOf } from './support/table.ts';
import { ways } from './ways.ts';

async function codec({ brief }: BenchOptions): Promise<Found> {
  const options = brief ? CODEC_BRIEF : CODEC_FULL;
  const rows = await runOnce<Row[]>('codec', options);
  return { data: { options, rows }, text: `── Encoding and decoding, batches of 512 spans\n\n${tableOf(rows)}` };
}

await show({ codec, ...pipelineBenchmarks, ways });
