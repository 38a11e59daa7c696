import { readFileSync, writeFileSync } from 'node:fs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { lastValueFrom } from 'rxjs';
import { onTestFinished } from 'vitest';
import type { DurableSink } from '../../src/durable/api.ts';
import { durableOn } from '../../src/durable/durable.ts';
import type { DurableOptions } from '../../src/durable/options.ts';
import type { FromStore } from '../../src/durable/protocol.ts';
import { type StartStore, startStoreThread } from '../../src/durable/storeLink.ts';
import { type Database, type StoreFiles, systemFiles } from '../../src/durable/thread/files.ts';
import { StoreServer } from '../../src/durable/thread/server.ts';
import type { Response, Sink } from '../../src/model/sink.ts';
import { batchOf } from '../support/httpExports.ts';
import { spanWith } from '../support/spans.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const PAGE_BYTES = 4_096;

/** A disk that can be told to fail, and a clock that can be set. */
export interface FaultyDisk {
  readonly files: StoreFiles;
  /** From now on, this throws `error` whenever `what` matches the call: `exec COMMIT`, `run INSERT INTO queue …`, `openDatabase /path`, … The first `after` of these calls do not fail. */
  fail(what: RegExp, error: object, after?: number): void;
  heal(): void;
  readonly clock: { wall: number; monotonic: number; up: number; boot: string };
}

export const sqliteError = (errcode: number, message: string) =>
  Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode });

export const systemError = (code: string) => Object.assign(new Error(`${code}: it failed`), { code });

export function faultyDisk(): FaultyDisk {
  let fault: { readonly what: RegExp; readonly error: object; left: number } | undefined;
  const clock = { wall: 1_800_000_000_000, monotonic: 0, up: 50_000, boot: 'boot-1' };
  const check = (call: string) => {
    if (fault?.what.test(call) && --fault.left < 0) throw fault.error;
  };
  const checked = (database: Database): Database => ({
    exec: (sql) => {
      check(`exec ${sql}`);
      database.exec(sql);
    },
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        run: (...values) => {
          check(`run ${sql}`);
          return statement.run(...values);
        },
        get: (...values) => {
          check(`get ${sql}`);
          return statement.get(...values);
        },
      };
    },
    close: () => database.close(),
  });
  const files: StoreFiles = {
    ...systemFiles,
    makeDirectory: (path) => {
      check(`makeDirectory ${path}`);
      systemFiles.makeDirectory(path);
    },
    openDatabase: (path) => {
      check(`openDatabase ${path}`);
      return checked(systemFiles.openDatabase(path));
    },
    clock: {
      wallMillis: () => clock.wall,
      monotonicMillis: () => clock.monotonic,
      upMillis: () => clock.up,
      bootId: () => clock.boot,
    },
  };
  return {
    files,
    clock,
    fail: (what, error, after = 0) => {
      fault = { what, error, left: after };
    },
    heal: () => {
      fault = undefined;
    },
  };
}

/** Runs a store beside the test, on these files. A retry after a failure comes in the next turn: `clock` says that its time has come. */
export function storeOn(disk: FaultyDisk): StartStore {
  return (plan, { onMessage }) => {
    let ended = false;
    const send = (message: FromStore) => {
      if (!ended) setImmediate(() => onMessage(message));
    };
    const later = (millis: number, work: () => void) => {
      setImmediate(() => {
        disk.clock.monotonic += millis;
        if (!ended) work();
      });
    };
    const server = new StoreServer({ plan, files: disk.files, send, later });
    return {
      post: (message) => setImmediate(() => server.receive(structuredClone(message))),
      hold: () => {},
      release: () => {},
      end: async () => {
        ended = true;
      },
    };
  };
}

export function open(
  sink: Sink<ReadableSpan>,
  { start = startStoreThread, ...options }: Partial<DurableOptions> & { readonly start?: StartStore } = {},
): DurableSink<ReadableSpan> {
  const queue = durableOn(start, sink, { directory: temporaryFolder(), ...options });
  onTestFinished(() => queue.shutdown());
  return queue;
}

export const named = (...names: readonly string[]): ReadableSpan[] => names.map((name) => spanWith({ name }));

export function write(queue: DurableSink<ReadableSpan>, ...names: readonly string[]): Promise<Response> {
  return lastValueFrom(queue.export(batchOf(named(...names))));
}

/** Resolves when the condition holds, which is looked at in each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Overwrites pages of a database that is closed: leaves of its tables, or of its indexes. */
export function damage(path: string, leaves: 'table' | 'index', from: number, to: number): void {
  const bytes = readFileSync(path);
  const first = leaves === 'table' ? 0x0d : 0x0a; // SQLite's file format, 1.6: B-tree pages
  const pages: number[] = [];
  for (let at = PAGE_BYTES; at < bytes.length; at += PAGE_BYTES) if (bytes[at] === first) pages.push(at);
  for (const at of pages.slice(from, to)) bytes.fill(0xff, at, at + PAGE_BYTES);
  writeFileSync(path, bytes);
}
