import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, onTestFinished, test } from 'vitest';
import { toMemory } from '../../src/index.ts';
import { type Report, type Running, start } from '../process/child.ts';
import { brokenBooks } from '../support/books.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { open, until } from './support.ts';

const PROGRAM = new URL('programs/writer.ts', import.meta.url);

interface Writer {
  readonly running: Running;
  readonly reports: Report[];
  names(is: string): string[];
  opened(): Promise<Report>;
}

function startWriter(input: { directory: string; processes?: string; count?: number }): Writer {
  const reports: Report[] = [];
  const running = start(PROGRAM, { input, onReport: (report) => reports.push(report) });
  onTestFinished(() => running.kill());
  const names = (is: string) => reports.filter((report) => report.is === is).map(({ name }) => String(name));
  const opened = async () => {
    await until(() => reports.some(({ is }) => is === 'opened'));
    return reports.find(({ is }) => is === 'opened') as Report;
  };
  return { running, reports, names, opened };
}

const namesOf = (items: readonly ReadableSpan[]) => items.map(({ name }) => name);

describe('durable in processes', () => {
  test('killed while it writes, everything that was answered is sent after the next start, once', async () => {
    const directory = temporaryFolder();
    const begun: string[] = [];
    const answered: string[] = [];
    for (const count of [5, 40, 150]) {
      const writer = startWriter({ directory });
      await until(() => writer.names('answered').length >= count);
      writer.running.kill();
      await writer.running.ended;
      begun.push(...writer.names('begun'));
      answered.push(...writer.names('answered'));
    }
    const memory = toMemory<ReadableSpan>();
    const queue = open(memory, { directory, flush: 'delivered' });
    await queue.opened();
    await queue.forceFlush();
    const sent = namesOf(memory.items);
    expect(sent).toEqual(expect.arrayContaining(answered));
    expect(begun).toEqual(expect.arrayContaining(sent));
    expect(new Set(sent).size).toBe(sent.length);
    expect(queue.stats()).toMatchObject({ accepted: sent.length, delivered: sent.length, pending: 0 });
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test('a second process is refused by the number of the first, and takes over when that is killed', async () => {
    const directory = temporaryFolder();
    const writer = startWriter({ directory });
    const { pid } = await writer.opened();
    const queue = open(toMemory(), { directory });
    await expect(queue.opened()).rejects.toMatchObject({
      code: 'DIRECTORY_IN_USE',
      message: expect.stringContaining(`${directory} is in use by process ${pid}: `),
    });
    writer.running.kill();
    await writer.running.ended;
    await until(() => queue.stats().disk.state === 'open');
  });

  test('each of several has a subdirectory; the next start takes over those of killed ones, and leaves those that live', async () => {
    const directory = temporaryFolder();
    const input = { directory, processes: 'several' };
    const writers = [startWriter(input), startWriter(input), startWriter(input)];
    const directories = await Promise.all(writers.map(async (writer) => (await writer.opened()).directory));
    expect(directories.toSorted()).toEqual(
      readdirSync(directory)
        .toSorted()
        .map((name) => join(directory, name)),
    );
    await until(() => writers.every((writer) => writer.names('answered').length >= 20));
    const killed = writers.slice(1);
    for (const { running } of killed) running.kill();
    await Promise.all(killed.map(({ running }) => running.ended));
    const memory = toMemory<ReadableSpan>();
    const queue = open(memory, { directory, processes: 'several' });
    const answered = killed.flatMap((writer) => writer.names('answered'));
    await until(() => new Set(namesOf(memory.items)).size >= answered.length && queue.stats().pending === 0);
    const sent = namesOf(memory.items);
    expect(sent).toEqual(expect.arrayContaining(answered));
    expect(killed.flatMap((writer) => writer.names('begun'))).toEqual(expect.arrayContaining(sent));
    expect(brokenBooks(queue.stats())).toEqual([]);
  });

  test('a program that has written and has nothing else to do ends by itself, without warnings but that of Node', async () => {
    const directory = temporaryFolder();
    const writer = startWriter({ directory, count: 10 });
    writer.running.tellNoMore();
    const { code, stderr } = await writer.running.ended;
    expect(code).toBe(0);
    expect(writer.names('answered')).toHaveLength(10);
    expect(stderr.replaceAll(/.*ExperimentalWarning: (SQLite|Type Stripping).*\n.*\n/g, '')).toBe('');
  });
});
