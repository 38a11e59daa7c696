import type { Observable, SchedulerLike } from 'rxjs';
import type { Account } from '../../ledger/account.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { type StageCallbacks, StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch, FlushUrgency } from '../../model/batch.ts';
import { messageOf } from '../../model/errors.ts';
import type { Keeper, Kept } from '../../model/keeper.ts';
import type { SignalName } from '../../model/signal.ts';
import type { LossReason } from '../../model/tally.ts';
import { signalOf } from '../../otlp/signals.ts';
import { decoderOf } from './decoders.ts';
import { lookForForeignFiles } from './foreignFiles.ts';
import { wayOf } from './names.ts';
import type { SpoolSettings } from './options.ts';
import { Replay } from './replay.ts';
import { SpoolDirectory } from './spoolDirectory.ts';
import { SpoolWriter } from './spoolWriter.ts';
import type { SyncFiles } from './writtenFile.ts';

const STAGE = 'spool';

/** What comes from a file stays there unless it has an outcome that is about the items, and not about the backend or the program. */
const STAYS: ReadonlySet<LossReason> = new Set(['shutdown', 'unsubscribed', 'expired', 'retriesExhausted']);

/** What a spool has from its pipeline. */
export interface SpoolParts<T> {
  readonly signal: SignalName;
  readonly settings: SpoolSettings;
  readonly callbacks: StageCallbacks<T>;
  readonly scheduler: SchedulerLike;
  readonly tell: (message: string) => void;
  /** Default: `node:fs`. */
  readonly files?: SyncFiles;
}

/** Keeps in files what a pipeline has left at its end, and sends what earlier runs have left. */
export class Spool<T> implements Keeper {
  readonly #parts: SpoolParts<T>;
  readonly #files: SyncFiles;
  readonly #writer: SpoolWriter<T>;
  readonly #replays: Replay<T>[] = []; // one for each route
  readonly #ofFiles = new WeakSet<readonly unknown[]>(); // what replays have emitted
  readonly #ways = new Set<string>(); // that are sent
  #looked: Promise<void> | undefined; // for files that are not
  #kept = 0; // items, by all endings

  constructor(parts: SpoolParts<T>) {
    const { scheduler, settings, signal } = parts;
    this.#parts = parts;
    this.#files = parts.files ?? process.getBuiltinModule('node:fs');
    const { fields } = signalOf(signal);
    const now = () => scheduler.now();
    this.#writer = new SpoolWriter<T>({ signal, fields: fields as never, settings, files: this.#files, now });
    this.#prepare();
  }

  /** How many items it has written to files. */
  get kept(): number {
    return this.#kept;
  }

  /** Whether earlier runs may have left something that is still to be sent. */
  get isReplaying(): boolean {
    return this.#replays.some(({ isRunning }) => isRunning);
  }

  keep(items: readonly unknown[], from: number, reason: LossReason, route: string | undefined): Kept | undefined {
    if (this.#ofFiles.has(items)) return STAYS.has(reason) ? { kept: items.length - from, unencodable: 0 } : undefined;
    if (reason !== 'shutdown') return undefined;
    const kept = this.#writer.write(items.slice(from) as T[], route);
    this.#kept += kept.kept;
    return kept;
  }

  /** What earlier runs have left on a way: batches beside those of the pipeline. */
  replayOn(ledger: Ledger, route?: string): Observable<Batch<T>> {
    const { callbacks, scheduler, settings, signal, tell } = this.#parts;
    const account: Account = ledger.openBefore('batch', route === undefined ? STAGE : `${STAGE}(${route})`, undefined);
    const replay = new Replay<T>({
      directory: new SpoolDirectory(settings.directory, signal, route),
      maxAgeMillis: settings.maxAgeMillis,
      reporter: new StageReporter<T>(account, callbacks),
      decode: decoderOf<T>(signal),
      onEmit: (items) => this.#ofFiles.add(items),
      scheduler,
      tell,
    });
    this.#replays.push(replay);
    this.#ways.add(wayOf(route));
    this.#looked ??= this.#lookForForeignFiles();
    return replay.batches$;
  }

  /** The pipeline ends. Resolves when nothing more is sent from files. */
  async finish(urgency: FlushUrgency): Promise<void> {
    await Promise.all([this.#looked, ...this.#replays.map((replay) => replay.finish(urgency))]);
  }

  /** The other sinks of the pipeline are known when the directory has been read. */
  #lookForForeignFiles(): Promise<void> {
    const { settings, signal, tell } = this.#parts;
    const { directory, maxAgeMillis } = settings;
    return lookForForeignFiles({ directory, signal, isOurs: (way) => this.#ways.has(way), maxAgeMillis, tell });
  }

  /** What is not sent from files stays there. */
  stop(): void {
    for (const replay of this.#replays) replay.stop();
  }

  /** What was kept since the last time becomes complete, and is told. It never throws. */
  commit(): void {
    const { items, paths, dropped } = this.#writer.end();
    const { settings, tell } = this.#parts;
    const written = `${items} items were written to ${paths.join(' and ')}, and are sent at the next start`;
    const spool = `the spool ${settings.directory} ${dropped?.why}`;
    const lost = dropped !== undefined && dropped.items > 0 ? `: ${dropped.items} items are lost` : '';
    if (dropped !== undefined) tell(items > 0 ? `${spool}${lost}; ${written}` : `${spool}${lost}`);
    else if (items > 0) tell(written);
  }

  /** Whoever has a directory that cannot be written is to know it before the end. */
  #prepare(): void {
    const { settings, tell } = this.#parts;
    const { directory } = settings;
    const { R_OK, W_OK, X_OK } = process.getBuiltinModule('node:fs').constants;
    try {
      this.#files.mkdirSync(directory, { recursive: true, mode: 0o700 });
      this.#files.accessSync(directory, R_OK | W_OK | X_OK);
    } catch (thrown) {
      tell(`the spool ${directory} cannot be written, so what is left at the end will be lost: ${messageOf(thrown)}`);
    }
  }
}
