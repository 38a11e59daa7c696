import { stat } from 'node:fs/promises';
import { catchError, EMPTY, type Observable } from 'rxjs';
import { rateLimit } from '../../destination/rateLimit.ts';
import { fromOtlpFile } from '../../inputs/fromOtlpFile/fromOtlpFile.ts';
import type { FileProgress } from '../../inputs/fromOtlpFile/options.ts';
import type { Batch } from '../../model/batch.ts';
import { messageOf } from '../../model/errors.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import type { Sink } from '../../model/sink.ts';
import { exportTo } from '../../operators/exportTo/exportTo.ts';
import { runPipeline } from '../../pipelines/runPipeline/runPipeline.ts';
import { otlpHttp } from '../../sinks/otlpHttp/otlpHttp.ts';
import { type Command, UsageError } from '../command.ts';
import { warningsOnTerminal } from '../warningsOnTerminal.ts';
import { REPLAY_HELP, type ReplayArguments, replayArguments } from './arguments.ts';
import { ProgressLine } from './progressLine.ts';
import { isWhole, type Sent, summaryOf } from './summary.ts';

/** `spanflow replay FILE --to URL`. */
export const replay: Command = {
  help: REPLAY_HELP,
  run: async (args) => {
    const given = replayArguments(args);
    await requireFile(given.file);
    warningsOnTerminal();
    const startedAtMillis = performance.now();
    const sent = await send(given);
    process.stdout.write(summaryOf(given, sent, performance.now() - startedAtMillis));
    return isWhole(sent) ? 0 : 1;
  },
};

/** Before anything is opened: the arguments are wrong then. */
async function requireFile(file: string): Promise<void> {
  const found = await stat(file).catch((thrown: unknown) => {
    throw new UsageError(`${file} cannot be read: ${messageOf(thrown)}`);
  });
  if (found.isDirectory()) throw new UsageError(`${file} is a folder: replay takes one file`);
}

/** Ends with the file, or when it is interrupted: then what was read is still sent, within the time of a shutdown. */
async function send(given: ReplayArguments): Promise<Sent> {
  const { file, signal, itemsPerSecond, isQuiet } = given;
  const sink = await sinkFor(given);
  const { batches$, progress$ } = fromOtlpFile(file, { signal });
  const line = new ProgressLine(isQuiet);
  const limits = itemsPerSecond === undefined ? {} : { rateLimit: rateLimit({ itemsPerSecond }) };
  let failure: unknown; // of the file, which is told once, at the end
  const noted = catchError<Batch<SignalItems[SignalName]>, Observable<never>>((thrown: unknown) => {
    failure = thrown;
    return EMPTY;
  });
  const pipeline = runPipeline(batches$, batches$.pipe(noted, exportTo(sink, limits)));
  let progress: FileProgress | undefined;
  progress$.subscribe((now) => {
    progress = now;
    line.show(now);
  });
  let isInterrupted = false;
  const interrupt = () => {
    isInterrupted = true;
    void pipeline.shutdown();
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  let refusal: string | undefined; // of the newest export that failed for good
  await pipeline.outcomes$.forEach(({ error }) => {
    refusal = error?.message ?? refusal;
  });
  await pipeline.shutdown();
  line.end();
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  if (failure !== undefined) throw failure;
  return { progress: progress as FileProgress, stats: pipeline.stats(), isInterrupted, refusal };
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
