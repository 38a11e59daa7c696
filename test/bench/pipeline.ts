/**
 * The whole way of a span, beside the official packages and beside posting alone: `node test/bench/pipeline.ts [--brief] [--json] [--only throughput,offered,latency,isolation,intake,specification] [--profile <folder>]`.
 *
 * Everybody runs in a process of their own, once in each round; the backend is another process.
 */
import { intake } from './pipeline/intake.ts';
import { isolation } from './pipeline/isolation.ts';
import { latency } from './pipeline/latency.ts';
import { offered } from './pipeline/offered.ts';
import { specification } from './pipeline/specification.ts';
import { throughput } from './pipeline/throughput.ts';
import { type BenchOptions, found, show } from './support/benchmark.ts';

export const pipelineBenchmarks = {
  throughput: (options: BenchOptions) => found(throughput(options)),
  offered: (options: BenchOptions) => found(offered(options)),
  latency: (options: BenchOptions) => found(latency(options)),
  isolation: (options: BenchOptions) => found(isolation(options)),
  intake: (options: BenchOptions) => found(intake(options)),
  specification: (options: BenchOptions) => found(specification(options)),
};

if (import.meta.main) await show(pipelineBenchmarks);
