import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from './entries.ts';

const PAGE = join('src', 'pipelines', 'README.md');
const text = readFileSync(join(ROOT, PAGE), 'utf8');

/** A link whose title is that of a test. */
interface NamedTest {
  readonly file: string;
  readonly title: string;
}

function testsIn(markdown: string): NamedTest[] {
  const links = markdown.matchAll(/\]\(([^)\s]+\.test\.ts) "((?:[^"])+)"\)/g);
  return [...links].map(([, path = '', title = '']) => ({ file: normalize(join(dirname(PAGE), path)), title }));
}

/** The titles of the tests of a file, as they are written there. */
function titlesOf(file: string): Set<string> {
  const source = readFileSync(join(ROOT, file), 'utf8');
  const calls = source.matchAll(
    /\b(?:test|it|inChromium)(?:\.each(?:<[^(]*>)?\([\s\S]*?\))?\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`([^`]*)`)/g,
  );
  return new Set([...calls].map(([, single, double, template]) => single ?? double ?? template ?? ''));
}

/** The rows of the table under a heading, without its head. */
function rowsUnder(heading: string): string[][] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| ') || line.startsWith('|-'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe('the page that says what is lost', () => {
  test.each([...new Map(testsIn(text).map((named) => [`${named.file}: ${named.title}`, named]))])(
    'names a test that is there: %s',
    (_name, { file, title }) => {
      expect([...titlesOf(file)]).toContain(title);
    },
  );

  test.each([
    ['Ways to end', [1, 2, 3]],
    ['A full queue', [1, 2, 3, 4]],
    ['Failures', [1]],
  ])('names a test in each cell that says what is lost: %s', (heading, columns) => {
    const rows = rowsUnder(heading);
    expect(rows.length).toBeGreaterThan(5);
    const cells = rows.flatMap((row) => columns.map((column) => row[column] ?? ''));
    expect(cells.filter((cell) => cell !== '–' && testsIn(cell).length === 0)).toEqual([]);
  });

  test.each([
    ['Failures', 2, /^(?:at once|never)/],
    ['Where ours differs from the official processors', 2, /^$/],
  ])('names a test, or says that nothing is left to be tested: %s, column %i', (heading, column, without) => {
    const cells = rowsUnder(heading).map((row) => row[column] ?? '');
    expect(cells.filter((cell) => testsIn(cell).length === 0 && !without.test(cell))).toEqual([]);
  });
});
