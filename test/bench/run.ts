/**
 * All benchmarks in one go, each beside the official packages: `npm run bench`, in some ten minutes on a machine that has nothing else to do.
 *
 *     npm run bench -- --brief               each once and only for a moment: that it works, not how fast
 *     npm run bench -- --json                for programs
 *     npm run bench -- --only codec,ways     of codec, receive, relay, throughput, offered, latency, isolation, intake, ways, durable, kafka, start, and of specification, which takes ten minutes and runs only when it is named
 *     npm run bench -- --whole               starts on 1 GiB, and not on 100 MiB, in durable
 *     npm run bench -- --profile folder      with CPU profiles of those that are measured in codec, relay, throughput and ways
 *
 * The exit code says that the benchmarks ran, and nothing of the figures; `budgets.ts` has the reasons for the bars.
 */
import { codec } from './codec.ts';
import { durable } from './durable.ts';
import { kafka } from './kafka.ts';
import { pipelineBenchmarks } from './pipeline.ts';
import { receive } from './receive.ts';
import { relay } from './relay.ts';
import { start } from './start.ts';
import { found, show } from './support/benchmark.ts';
import { ways } from './ways.ts';

await show({
  ...{ codec, receive, relay: (options) => found(relay(options)) },
  ...{ ...pipelineBenchmarks, ways, durable: (options) => found(durable(options)) },
  ...{ kafka, start: (options) => found(start(options)) },
});
