import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { Observable } from 'rxjs';
import { outsideAnyContext } from '../../internal/timers.ts';
import { untraced } from '../../internal/tracingSuppression.ts';
import { messageOf } from '../../model/errors.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import { type Attempt, ExportError, type ObservableSink, type Response } from '../../model/sink.ts';
import { RequestLender } from '../../otlp/encode/requestLender.ts';
import { type RequestUse, requestFor } from '../../otlp/encode/sharedRequests.ts';
import { signalOf } from '../../otlp/signals.ts';
import { answer, countBodyBytes, withDeadline } from '../shared/attemptEnd.ts';
import { type ToOtlpFileOptions, type ToOtlpFileSettings, toOtlpFileSettings } from './options.ts';
import { RotatedFile } from './rotatedFile.ts';

const NAME = 'toOtlpFile';
const TYPES: Readonly<Record<SignalName, string>> = { traces: 'span', logs: 'log', metrics: 'metric' };

/** Pieces of a request that are smaller are copied, so that a buffer can be used again while they are being written. */
const LEAST_LENT_BYTES = 65_536;

const compressed = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdCompress);
/** A byte that a disk gives back wrongly is found when the frame is read. */
const WITH_CHECKSUM = { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } };

/**
 * Writes batches into a file of OTLP, one record for each: lines of JSON, or protobuf behind its length, as the file exporter of the OpenTelemetry Collector does. Files are rotated, and old ones deleted.
 *
 * ```
 * traces.jsonl                             what is being written
 * traces-2026-11-29T13-24-21.173.jsonl     full: renamed, with the time of that in UTC
 * ```
 *
 * **Records.** `json`: a line. `protobuf`: four bytes of length, big-endian, and the message. With `zstd`, each of these is one frame, with a checksum, so `zstd -d` gives the same bytes, or tells of damage, and no frame depends on another one.
 * A file is made readable for its owner alone (mode 0600), since spans hold personal data. Missing folders are made. A file that is there already is appended to where it holds lines of JSON; any other is renamed first, because a record that was torn by a crash would make what follows it unreadable.
 *
 * **Answers** when the record was handed to the operating system. It survives the end of the process, and not a loss of power: nothing is synced. Of an attempt that was aborted while it was being written, the record stays whole.
 * What cannot be written (a full disk, a missing permission) is taken out of the file again and is `retryable`; the error names the file and the reason.
 *
 * **Order**: that of the batches: one is written at a time. One process writes into a file; two would mix their records.
 *
 * **Loss**: none of what it answered for, but with the file that holds it: the oldest files are deleted, beyond `maxBackups` and `maxBackupAgeMillis`. An item that OTLP cannot express counts as `unencodable`.
 *
 * @param path of the file, or its `file:` URL
 *
 * @throws InvalidOptionError when there is no path, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const pipeline = spanPipeline({ sink: toOtlpFile('traces.jsonl', { maxBackups: 10 }) });
 * ```
 *
 * @see fromOtlpFile, which reads them
 */
export function toOtlpFile<S extends SignalName = 'traces'>(
  path: string | URL,
  options: ToOtlpFileOptions<S> = {},
): ObservableSink<SignalItems[S]> {
  const settings = toOtlpFileSettings(path, options);
  const { signal } = settings;
  const writer = new RecordWriter<SignalItems[S]>(path instanceof URL ? fileURLToPath(path) : path, settings);
  return {
    name: NAME,
    component: { type: `otlp_file_${TYPES[signal]}_exporter`, signal },
    maxConcurrency: 1,
    export: ({ items }, given) =>
      new Observable((subscriber) => {
        const abort = new AbortController();
        subscriber.add(() => abort.abort());
        const attempt = given ?? withDeadline(NAME, subscriber, Number.POSITIVE_INFINITY);
        outsideAnyContext(() => untraced(() => writer.write(items, attempt, abort.signal))).then(
          (response) => answer(subscriber, response),
          (error: unknown) => subscriber.error(error),
        );
      }),
    shutdown: () => writer.close(),
  };
}

/** Makes records, and writes them one after the other, those too whose attempt nobody waits for any more. */
class RecordWriter<Item> {
  readonly #settings: ToOtlpFileSettings;
  readonly #lender: RequestLender<Item>;
  readonly #file: RotatedFile;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(path: string, settings: ToOtlpFileSettings) {
    this.#settings = settings;
    this.#lender = new RequestLender(signalOf(settings.signal).fields as never, LEAST_LENT_BYTES);
    this.#file = new RotatedFile(path, settings);
  }

  write(items: readonly Item[], attempt: Attempt, signal: AbortSignal): Promise<Response> {
    const written = this.#last.then(() => this.#write(items, attempt, signal));
    this.#last = written.catch(() => {});
    return written;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#last.then(() => this.#file.close());
  }

  async #write(items: readonly Item[], attempt: Attempt, signal: AbortSignal): Promise<Response> {
    if (this.#isClosed) throw new ExportError({ kind: 'permanent' }, `${NAME} was shut down`);
    signal.throwIfAborted();
    attempt.enter('preparing', this.#file.path);
    const use = await this.#encoded(items);
    try {
      if (use.unencodable < items.length) await this.#append(use, attempt, signal);
      return use.unencodable === 0 ? {} : { unencodable: use.unencodable };
    } finally {
      use.giveBack();
      use.end();
    }
  }

  async #encoded(items: readonly Item[]): Promise<RequestUse> {
    try {
      return await requestFor(items, this.#settings.encoding, this.#lender, countBodyBytes);
    } catch (thrown) {
      throw new ExportError({ kind: 'permanent' }, `no record can be made: ${messageOf(thrown)}`, { cause: thrown });
    }
  }

  async #append(use: RequestUse, attempt: Attempt, signal: AbortSignal): Promise<void> {
    const pieces = this.#framed(use);
    const { compression, maxFileBytes } = this.#settings;
    const record = compression === 'none' ? pieces : [await compressed(Buffer.concat(pieces), WITH_CHECKSUM)];
    const length = record.reduce((sum, piece) => sum + piece.length, 0);
    if (length > maxFileBytes)
      throw new ExportError({ kind: 'tooLarge' }, `a record of ${length} bytes is over maxFileBytes ${maxFileBytes}`);
    signal.throwIfAborted();
    attempt.enter('sending', this.#file.path);
    try {
      await this.#file.append(record, length);
    } catch (thrown) {
      const message = `${NAME} cannot write ${this.#file.path}: ${messageOf(thrown)}`;
      throw new ExportError({ kind: 'retryable' }, message, { cause: thrown });
    }
  }

  #framed({ pieces, length }: RequestUse): readonly Uint8Array[] {
    if (this.#settings.encoding === 'json') return [...pieces, Buffer.from('\n')];
    const head = Buffer.alloc(4);
    head.writeUInt32BE(length);
    return [head, ...pieces];
  }
}
