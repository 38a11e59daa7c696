import { messageOf } from '../../model/errors.ts';
import type { Kept } from '../../model/keeper.ts';
import type { SignalName } from '../../model/signal.ts';
import { OneGoEncoder } from '../../otlp/encode/encodeRequest.ts';
import type { SignalFields } from '../../otlp/encode/requestEncoder.ts';
import { FRAME_HEAD_BYTES } from './frames.ts';
import { newSpoolName, spoolName } from './names.ts';
import type { SpoolSettings } from './options.ts';
import { thisOwner } from './owner.ts';
import { type SyncFiles, WrittenFile } from './writtenFile.ts';

const ITEMS_PER_FRAME = 512;
/** A frame is read as a whole. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/** What differs between the pipelines of a directory. */
export interface SpoolWriterParts<T> {
  readonly signal: SignalName;
  readonly fields: SignalFields<T>;
  readonly settings: SpoolSettings;
  readonly files: SyncFiles;
  /** For `maxWriteMillis`. */
  readonly now: () => number;
}

/** What an ending has written. */
export interface Ending {
  /** Of the files, which are complete. */
  readonly paths: readonly string[];
  readonly items: number;
  /** Why not everything was written, and how many items that has cost. */
  readonly dropped: { readonly why: string; readonly items: number } | undefined;
}

/** Writes what is left, synchronously: one file for each ending and route. */
export class SpoolWriter<T> {
  readonly #parts: SpoolWriterParts<T>;
  readonly #encoder: OneGoEncoder<T>;
  readonly #open = new Map<string | undefined, WrittenFile>(); // of this ending, by route
  #roomBytes: number | undefined; // that are left of `maxBytes`, since the first item of this ending
  #spentMillis = 0; // on writing, in this ending
  #why: string | undefined; // nothing more is written in this ending
  #dropped = 0; // items

  constructor(parts: SpoolWriterParts<T>) {
    this.#parts = parts;
    this.#encoder = new OneGoEncoder(parts.fields);
  }

  /** Writes as many of these items as there are time and room for. It never throws. */
  write(items: readonly T[], route: string | undefined): Kept {
    const { now } = this.#parts;
    const sinceMillis = now();
    let kept = 0;
    let unencodable = 0;
    try {
      const file = this.#fileOf(route);
      for (let from = 0, size = ITEMS_PER_FRAME; from < items.length && this.#mayWrite(sinceMillis); ) {
        const part = items.slice(from, from + size);
        const frame = this.#encoded(part);
        if (!this.#fits(frame.body, part.length)) {
          size = part.length >> 1;
          continue;
        }
        this.#append(file, frame.body, part.length - frame.unencodable);
        kept += part.length - frame.unencodable;
        unencodable += frame.unencodable;
        from += part.length;
      }
    } catch (thrown) {
      this.#why ??= `cannot be written: ${messageOf(thrown)}`;
    }
    this.#spentMillis += now() - sinceMillis;
    this.#dropped += items.length - kept - unencodable;
    return { kept, unencodable };
  }

  /** Makes what was written complete. It never throws. */
  end(): Ending {
    const written = [...this.#open.values()].filter((file) => file.end((why) => this.#failed(why)));
    const why = this.#why ?? 'cannot be written';
    const dropped = this.#dropped > 0 || this.#why !== undefined ? { why, items: this.#dropped } : undefined;
    this.#open.clear();
    this.#roomBytes = undefined;
    this.#spentMillis = 0;
    this.#why = undefined;
    this.#dropped = 0;
    return {
      paths: written.map(({ path }) => path),
      items: written.reduce((sum, { items }) => sum + items, 0),
      dropped,
    };
  }

  #failed(thrown: unknown): void {
    this.#why ??= `may not be on the disk: ${messageOf(thrown)}`;
  }

  #mayWrite(sinceMillis: number): boolean {
    const { maxWriteMillis } = this.#parts.settings;
    if (this.#why === undefined && this.#spentMillis + this.#parts.now() - sinceMillis > maxWriteMillis)
      this.#why = `takes longer than maxWriteMillis ${maxWriteMillis}`;
    return this.#why === undefined;
  }

  /** Otherwise it is tried with fewer items; when there is no room for a single one, the directory is full. */
  #fits(body: Uint8Array, items: number): boolean {
    const room = this.#roomBytes ?? 0;
    const length = FRAME_HEAD_BYTES + body.length;
    if (length <= room && (length <= MAX_FRAME_BYTES || items === 1)) return true;
    if (items === 1) {
      const { maxBytes } = this.#parts.settings;
      throw new Error(`the files in it would exceed maxBytes ${maxBytes}`);
    }
    return false;
  }

  #encoded(items: readonly T[]): { readonly body: Uint8Array; readonly unencodable: number } {
    let unencodable = 0;
    const body = this.#encoder.protobuf(items, () => {
      unencodable += 1;
    });
    return { body, unencodable };
  }

  #append(file: WrittenFile, body: Uint8Array, items: number): void {
    if (items === 0) return;
    file.append(items, body);
    this.#roomBytes = (this.#roomBytes ?? 0) - FRAME_HEAD_BYTES - body.length;
  }

  #fileOf(route: string | undefined): WrittenFile {
    const known = this.#open.get(route);
    if (known !== undefined) return known;
    const { files, settings, signal } = this.#parts;
    const { directory } = settings;
    const { join } = process.getBuiltinModule('node:path');
    files.mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#roomBytes ??= settings.maxBytes - usedBytes(files, directory);
    const path = join(directory, newSpoolName(signal, route, Date.now()));
    const file = new WrittenFile(files, path, thisOwner());
    this.#open.set(route, file);
    this.#roomBytes -= file.bytes;
    return file;
  }
}

/** The bytes of all spooled files. */
function usedBytes(files: SyncFiles, directory: string): number {
  const { join } = process.getBuiltinModule('node:path');
  let sum = 0;
  for (const name of files.readdirSync(directory)) {
    if (spoolName(name) === undefined) continue;
    sum += files.statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return sum;
}
