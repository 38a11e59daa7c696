import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from './entries.ts';
import { anchorsOf, deadLinks, linksIn } from './links.ts';

const pages = globSync('**/*.md', {
  cwd: ROOT,
  exclude: (path) => /(?:^|\/)(?:node_modules|dist|\..+)$/.test(path),
}).sort();
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

describe('the links of', () => {
  test.each(pages)('%s lead to files and headings that are there', (page) => {
    expect(deadLinks(read(page), page)).toEqual([]);
  });

  test.each(pages)('%s: no path of one machine', (page) => {
    const paths = read(page).match(/(?<![\w.~:/-])\/(?:home|root|Users|tmp|work|mnt)\/\S*/g);
    expect(paths ?? []).toEqual([]);
  });
});

describe('what is read of a page', () => {
  test('includes the pages that a user reads', () => {
    expect(pages).toEqual(
      expect.arrayContaining(['CHANGELOG.md', 'README.md', 'marble-tests/README.md', 'src/testing/README.md']),
    );
  });

  test('links and pictures, none in code', () => {
    const page = [
      'See [a](a.md), ![b](b.svg "B") and [`c`](<c.md#x>).',
      '`[d](d.md)`, ``[`e`](e.md)``',
      '```ts',
      "const f = ['g'](h);",
      '```',
      '[i]: https://example.com',
    ].join('\n');
    expect(linksIn(page)).toEqual(['a.md', 'b.svg', 'c.md#x', 'https://example.com']);
  });

  test('headings as GitHub names them', () => {
    const page = [
      '# What it costs',
      '## [bufferTime](x.ts)',
      '## `a()`, and b!',
      '```',
      '# no',
      '```',
      '## `a()`, and b!',
    ];
    expect(anchorsOf(page.join('\n'))).toEqual(['what-it-costs', 'buffertime', 'a-and-b', 'a-and-b-1']);
  });

  test.each([
    ['otlp/README.md', 0],
    ['otlp/README.md#encoding', 0],
    ['#rooms', 0],
    ['otlp', 0],
    ['https://example.com/nowhere', 0],
    ['#no-such-heading', 1],
    ['otlp/README.md#no-such-heading', 1],
    ['index.ts#L1', 1],
    ['nowhere.md', 1],
    ['/README.md', 1],
    ['../../elsewhere.md', 1],
  ])('%s in src/README.md has %i problems', (link, count) => {
    expect(deadLinks(`[x](${link})`, 'src/README.md')).toHaveLength(count);
  });
});
