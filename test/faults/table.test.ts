import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { ROWS } from './rows/rows.ts';
import { tableOf } from './table.ts';

it('is in the README of this folder as it is', async () => {
  const page = await readFile(new URL('README.md', import.meta.url), 'utf8');
  expect(page).toContain(tableOf(ROWS));
});

it('has each name once, and each row over one protocol at least', () => {
  expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
  for (const { http, grpc } of ROWS) expect([typeof http, typeof grpc]).toContain('function');
});
