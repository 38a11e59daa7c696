import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { drawnLines, marblesIn, textBlocks } from './drawnText.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MARBLE_TESTS = join(ROOT, 'marble-tests');

const read = (...path: string[]) => readFileSync(join(...path), 'utf8');

/** The rows of a drawing that no marble test draws. */
const undrawn = (block: string, source: string) => {
  const known = marblesIn(source);
  return drawnLines(block)
    .filter(({ marbles }) => !known.has(marbles))
    .map(({ label, marbles }) => `${label}  ${marbles}`);
};

describe('the drawing in the doc block of', () => {
  const folder = join(ROOT, 'src', 'operators');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const drawn = files.filter((file) => textBlocks(read(folder, file)).length > 0);

  it('every operator is there', () => {
    const exported = files.filter((file) => {
      const name = basename(file, '.ts');
      return name !== 'index' && new RegExp(`^export function ${name}\\b`, 'm').test(read(folder, file));
    });
    expect(drawn.sort()).toEqual(exported.sort());
  });

  it.each(drawn)('%s is in its marble test', (file) => {
    const test = join(MARBLE_TESTS, `${basename(file, '.ts')}.test.ts`);
    expect(existsSync(test), `${basename(file, '.ts')} has a marble test`).toBe(true);
    for (const block of textBlocks(read(folder, file))) expect(undrawn(block, read(test))).toEqual([]);
  });
});

describe('the drawings in marble-tests/README.md', () => {
  const sections = read(MARBLE_TESTS, 'README.md').split(/^## /m).slice(1);
  const traps = sections.flatMap((section) => {
    const [, file] = /^\[[^\]]+\]\(([^)]+\.test\.ts)\)/.exec(section) ?? [];
    const parts = section.split(/^### /m).slice(1);
    return parts.map((part) => ({ file: file ?? 'none', title: part.split('\n')[0] ?? '', part }));
  });

  it.each(traps)('$file: $title', ({ file, title, part }) => {
    const test = testBody(read(MARBLE_TESTS, file), title);
    for (const block of textBlocks(part)) expect(undrawn(block, test)).toEqual([]);
  });

  it('show every test of rxjs/', () => {
    const files = readdirSync(join(MARBLE_TESTS, 'rxjs')).filter((file) => file.endsWith('.test.ts'));
    const titles = files.flatMap((file) => {
      return [...read(MARBLE_TESTS, 'rxjs', file).matchAll(/^ {2}test\('([^']+)'/gm)].map(([, title]) => title);
    });
    expect(traps.map(({ title }) => title).sort()).toEqual(titles.sort());
  });
});

/** The source of one test. */
function testBody(source: string, title: string): string {
  const [, ...after] = source.split(`test('${title}'`);
  expect(after, `a test "${title}"`).toHaveLength(1);
  return after[0]?.split(/^ {2}test\(/m)[0] ?? '';
}

describe('a drawing in a text', () => {
  it('is read by its columns, the remark left out', () => {
    expect(drawnLines('source  -a-  b\nx y     - 1s ^!      a remark\n        --^!\n')).toEqual([
      { label: 'source', marbles: '-a-' },
      { label: 'x y', marbles: '- 1s ^!' },
      { label: '', marbles: '--^!' },
    ]);
  });

  it('is found in comments and in Markdown', () => {
    expect(textBlocks('/**\n * ```text\n * a  -\n * ```\n */\n```text\nb  |\n```\n')).toEqual(['a  -\n', 'b  |\n']);
  });

  it('that its test does not draw is found', () => {
    expect(undrawn('source  -a-\nmine    --b|     a remark\n', "const source = hot('  -a-');")).toEqual(['mine  --b|']);
  });

  it('is compared without the spaces that align it', () => {
    expect([...marblesIn(`const a = '   -a-b  '; const b = [" 9s  a"];`)]).toEqual(['-a-b', '9s a']);
  });
});
