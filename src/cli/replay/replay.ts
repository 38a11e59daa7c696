import { tap } from 'rxjs';
import { rateLimit } from '../../destination/rateLimit.ts';
import { fromOtlpFile } from '../../inputs/fromOtlpFile/fromOtlpFile.ts';
import type { FileProgress } from '../../inputs/fromOtlpFile/options.ts';
import type { Stats } from '../../ledger/stats.ts';
import type { Batch } from '../../model/batch.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import type { Sink } from '../../model/sink.ts';
import { exportTo } from '../../operators/exportTo/exportTo.ts';
import { runPipeline } from '../../pipelines/runPipeline/runPipeline.ts';
import { otlpHttp } from '../../sinks/otlpHttp/otlpHttp.ts';
import type { Command } from '../command.ts';
import { warningsOnTerminal } from '../warningsOnTerminal.ts';
import { REPLAY_HELP, type ReplayArguments, replayArguments } from './arguments.ts';
import { ProgressLine } from './progressLine.ts';
import { isWhole, summaryOf } from './summary.ts';

/** `spanflow replay FILE --to URL`. */
export const replay: Command = {
  help: REPLAY_HELP,
  run: async (args) => {
    const given = replayArguments(args);
    warningsOnTerminal();
    const startedAtMillis = performance.now();
    const { progress, stats } = await send(given);
    process.stdout.write(summaryOf(given, progress, stats, performance.now() - startedAtMillis));
    return isWhole(progress, stats) ? 0 : 1;
  },
};

interface Sent {
  readonly progress: FileProgress;
  readonly stats: Stats;
}

/** Ends with the file, or when it is interrupted: then what was read is still sent, within the time of a shutdown. */
async function send(given: ReplayArguments): Promise<Sent> {
  const { file, signal, itemsPerSecond, isQuiet } = given;
  const sink = await sinkFor(given);
  const { batches$, progress$ } = fromOtlpFile(file, { signal });
  const line = new ProgressLine(isQuiet);
  const limits = itemsPerSecond === undefined ? {} : { rateLimit: rateLimit({ itemsPerSecond }) };
  let failure: unknown; // of the file: a pipeline tells it, and ends
  const noted = tap<Batch<SignalItems[SignalName]>>({
    error: (thrown: unknown) => {
      failure = thrown;
    },
  });
  const pipeline = runPipeline(batches$, batches$.pipe(noted, exportTo(sink, limits)));
  let progress: FileProgress | undefined;
  progress$.subscribe((now) => {
    progress = now;
    line.show(now);
  });
  const interrupt = () => pipeline.shutdown();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  await pipeline.outcomes$.forEach(() => {});
  await pipeline.shutdown();
  line.end();
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  if (failure !== undefined) throw failure;
  return { progress: progress as FileProgress, stats: pipeline.stats() };
}

async function sinkFor<S extends SignalName>(
  given: ReplayArguments & { readonly signal: S },
): Promise<Sink<SignalItems[S]>> {
  const { url, signal, protocol, compression, headers } = given;
  const shared = { url, signal, headers };
  if (protocol === 'grpc') {
    const { otlpGrpc } = await import('../../sinks/otlpGrpc/index.ts');
    return otlpGrpc({ ...shared, ...(compression !== undefined && { compression: compression as 'none' | 'gzip' }) });
  }
  const encoding = protocol === 'http/json' ? 'json' : 'protobuf';
  return otlpHttp({ ...shared, encoding, ...(compression !== undefined && { compression }) });
}
