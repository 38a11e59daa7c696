import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seededRandom } from '../../support/random.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { Disk, type Losing } from './disk.ts';
import type { Deed } from './journal.ts';

/** Stands for the directory of each test. */
const ROOT = '/root-of-the-test';

/** What is left of some deeds in an empty directory. */
function leftOf(
  deeds: readonly Deed[],
  losing: Losing,
  random: () => number = seededRandom(1),
): Record<string, string> {
  const root = temporaryFolder();
  const disk = new Disk(root);
  for (const deed of deeds) disk.apply(at(root, deed));
  const target = temporaryFolder();
  disk.writeTo(target, losing, random);
  const files = readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(files.map(({ name, parentPath }) => [name, readFileSync(join(parentPath, name), 'utf8')]));
}

function at(root: string, deed: Deed): Deed {
  const moved = (path: string) => path.replace(ROOT, root);
  if (deed.kind === 'rename') return { ...deed, path: moved(deed.path), to: moved(deed.to) };
  return 'path' in deed ? { ...deed, path: moved(deed.path) } : deed;
}

const create = (name: string, inode: number): Deed => ({ kind: 'create', path: join(ROOT, name), inode });
const write = (inode: number, offset: number, text: string): Deed => ({
  kind: 'write',
  ...{ inode, offset, data: Buffer.from(text) },
});
const sync = (inode: number): Deed => ({ kind: 'sync', inode });
const syncRoot: Deed = { kind: 'syncDirectory', path: ROOT };

test('what was synced is left, whatever is lost', () => {
  const deeds = [create('a', 1), syncRoot, write(1, 0, 'one'), sync(1), write(1, 3, 'two')];
  expect(leftOf(deeds, 'none')).toEqual({ a: 'one' });
  expect(leftOf(deeds, 'all')).toEqual({ a: 'onetwo' });
});

test('a name is lost with its directory, although the file was synced', () => {
  const deeds = [create('a', 1), write(1, 0, 'one'), sync(1)];
  expect(leftOf(deeds, 'none')).toEqual({});
  expect(leftOf([...deeds, syncRoot], 'none')).toEqual({ a: 'one' });
});

test('what lies under a name that is lost is lost, too', () => {
  const folder: Deed = { kind: 'makeDirectory', path: join(ROOT, 'some') };
  const deeds = [folder, create('some/a', 1), { kind: 'syncDirectory', path: join(ROOT, 'some') }, sync(1)] as const;
  expect(leftOf(deeds, 'none')).toEqual({});
  expect(leftOf([...deeds, syncRoot], 'none')).toEqual({ a: '' });
});

test('renamed and removed files have the old name until the directory is synced', () => {
  const rename: Deed = { kind: 'rename', path: join(ROOT, 'a'), to: join(ROOT, 'b') };
  const unlink: Deed = { kind: 'unlink', path: join(ROOT, 'b') };
  const deeds = [create('a', 1), syncRoot, rename];
  expect(leftOf(deeds, 'none')).toEqual({ a: '' });
  expect(leftOf([...deeds, syncRoot], 'none')).toEqual({ b: '' });
  expect(leftOf([...deeds, syncRoot, unlink], 'none')).toEqual({ b: '' });
  expect(leftOf([...deeds, syncRoot, unlink, syncRoot], 'all')).toEqual({});
});

test('a write that is torn is there in some sectors; a later write may be there without an earlier one', () => {
  const deeds = [create('a', 1), syncRoot, write(1, 0, 'x'.repeat(2_048)), write(1, 2_048, 'y'.repeat(512))];
  const seen = new Set<string>();
  const random = seededRandom(3);
  for (let count = 0; count < 100; count += 1) {
    const { a = '' } = leftOf(deeds, 'torn', random);
    seen.add(a.replaceAll(/(.)\1{511}/gs, (_, one: string) => (one === '\0' ? '-' : one)));
  }
  expect([...seen]).toEqual(expect.arrayContaining(['', '----y', 'xxxx']));
  expect([...seen].filter((left) => !/^([x-]{0,4}|[x-]{4}y)$/.test(left))).toEqual([]);
});

test('what lay in the directory before is on the disk', () => {
  const root = temporaryFolder();
  writeFileSync(join(root, 'a'), 'one');
  const target = temporaryFolder();
  new Disk(root).writeTo(target, 'none', seededRandom(1));
  expect(readFileSync(join(target, 'a'), 'utf8')).toBe('one');
});
