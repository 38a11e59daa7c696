import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { ROOT } from './entries.ts';
import { type PublicName, publicNames } from './publicApi.ts';

/** The cells of a row by the options that its first cell names. */
let rows: ReadonlyMap<string, string>;
let options: readonly PublicName[] = [];
beforeAll(() => {
  const page = readFileSync(join(ROOT, 'src/pipelines/README.md'), 'utf8');
  const table = page.slice(page.indexOf('## Options'), page.indexOf('## States'));
  const lines = table.split('\n').filter((line) => line.startsWith('| `'));
  rows = new Map(
    lines.flatMap((line) => {
      const [, names = '', ...cells] = line.split(' | ').join('|').split('|');
      return [...names.matchAll(/`([\w$]+)`/g)].map(([, name = '']) => [name, cells.join('|')] as const);
    }),
  );
  options = publicNames().filter(({ exportName, member }) => exportName === 'SpanPipelineOptions' && member !== '');
});

test('the table of options has each option of a pipeline, and no other', () => {
  expect([...rows.keys()].toSorted()).toEqual(options.map(({ member }) => member).toSorted());
});

test('the table of options says the defaults of the doc blocks', () => {
  const defaults = options.flatMap(({ member, doc }) => {
    const [, said] = /default ([\d,]+(?: MiB)?)/.exec(doc) ?? [];
    return said === undefined ? [] : [[member, said] as const];
  });
  expect(defaults.length).toBeGreaterThan(8);
  expect(defaults.filter(([member, said]) => !rows.get(member)?.startsWith(`${said}|`))).toEqual([]);
});
