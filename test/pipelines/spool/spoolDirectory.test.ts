import { spawnSync } from 'node:child_process';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { newSpoolName } from '../../../src/pipelines/spool/names.ts';
import { isGone, thisOwner } from '../../../src/pipelines/spool/owner.ts';
import { giveBack, SpoolDirectory, STALE_MILLIS } from '../../../src/pipelines/spool/spoolDirectory.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const here = () => new SpoolDirectory(folder, 'traces', undefined);

function add(owner?: string, { signal = 'traces', route, millis = 1_000 }: Partial<Added> = {}): string {
  const name = newSpoolName(signal, route, millis);
  writeFileSync(join(folder, owner === undefined ? name : `${name}.${owner}`), '');
  return name;
}

interface Added {
  readonly signal: 'traces' | 'logs';
  readonly route: string;
  readonly millis: number;
}

/** A process that has ended. */
const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid;
const world = () => thisOwner().split('-')[2];

describe('a file of a spool', () => {
  test('that is nobody’s is taken, by one of several', async () => {
    add();
    const taken = await Promise.all([here().take(), here().take(), here().take()]);
    expect(taken.filter(({ file }) => file !== undefined)).toHaveLength(1);
    expect(taken.filter(({ file, isShared }) => file === undefined && isShared)).toHaveLength(2); // they look again
    expect(readdirSync(folder)).toEqual([expect.stringMatching(`${thisOwner()}$`)]);
  });

  test('is not taken by who has ended meanwhile', async () => {
    const name = add();
    expect((await here().take(() => false)).file).toBeUndefined();
    expect(readdirSync(folder)).toEqual([name]);
  });

  test('is taken in the order in which they were written', async () => {
    add(undefined, { millis: 20_000 });
    add(undefined, { millis: 3_000 });
    expect((await here().take()).file?.writtenAtMillis).toBe(3_000);
    expect((await here().take()).file?.writtenAtMillis).toBe(20_000);
    expect(await here().take()).toEqual({ file: undefined, isShared: true });
  });

  test('of another signal or route is left alone', async () => {
    add(undefined, { signal: 'logs' });
    add(undefined, { route: 'main' });
    writeFileSync(join(folder, 'notes.txt'), '');
    expect(await here().take()).toEqual({ file: undefined, isShared: false });
    expect((await new SpoolDirectory(folder, 'traces', 'main').take()).file).toBeDefined();
  });

  test('of a process that has ended is taken at once', async () => {
    add(`${deadPid()}-1-${world()}`);
    expect((await here().take()).file).toBeDefined();
  });

  test('of a process whose id another one has now is taken at once', async () => {
    add(`${process.pid}-1-${world()}`);
    expect((await here().take()).file).toBeDefined();
  });

  test('of a process that runs is left alone', async () => {
    add(thisOwner());
    expect(await here().take()).toEqual({ file: undefined, isShared: true });
  });

  test('of another machine or container is taken when it has not been touched for a minute, by either way of a clock', async () => {
    const other = '1-1-abcdef';
    const name = add(other);
    expect(await here().take()).toEqual({ file: undefined, isShared: true });
    for (const offset of [-STALE_MILLIS - 60_000, STALE_MILLIS + 60_000]) {
      const path = join(folder, readdirSync(folder)[0] as string);
      const then = (Date.now() + offset) / 1_000;
      utimesSync(path, then, then);
      const { file } = await here().take();
      expect(file?.path).toBe(join(folder, `${name}.${thisOwner()}`));
    }
  });

  test('is given back under its own name', async () => {
    const name = add();
    const { file } = await here().take();
    giveBack(file as never);
    expect(readdirSync(folder)).toEqual([name]);
  });

  test('is not there where the directory is not', async () => {
    expect(await new SpoolDirectory(join(folder, 'none'), 'traces', undefined).take()).toEqual({
      file: undefined,
      isShared: false,
    });
  });
});

test('this process is not gone, and one of another machine is not known to be', () => {
  expect(isGone(thisOwner())).toBe(false);
  expect(isGone('999999-1-abcdef')).toBe(false);
});
