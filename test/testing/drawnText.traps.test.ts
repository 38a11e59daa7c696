import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { drawnLines, marblesIn, textBlocks } from './drawnText.ts';
import { testsIn } from './marbleTests.ts';

const MARBLE_TESTS = join(import.meta.dirname, '..', '..', 'marble-tests');
const read = (...path: string[]) => readFileSync(join(MARBLE_TESTS, ...path), 'utf8');

/** The rows of a drawing that a marble test does not draw. */
const undrawn = (block: string, source: string) => {
  const known = marblesIn(source);
  return drawnLines(block)
    .filter(({ marbles }) => !known.has(marbles))
    .map(({ label, marbles }) => `${label}  ${marbles}`);
};

describe("RxJS' traps in marble-tests/README.md", () => {
  const sections = read('README.md').split(/^## /m).slice(1);
  const traps = sections.flatMap((section) => {
    const [, file] = /^\[[^\]]+\]\(([^)]+\.test\.ts)\)/.exec(section) ?? [];
    const parts = section.split(/^### /m).slice(1);
    return parts.map((part) => ({ file: file ?? 'none', title: part.split('\n')[0] ?? '', part }));
  });

  it.each(traps)('$file: $title', ({ file, title, part }) => {
    const test = testsIn(read(file)).filter((written) => written.title === title);
    expect(test, `a test "${title}"`).toHaveLength(1);
    for (const block of textBlocks(part)) expect(undrawn(block, test[0]?.body ?? '')).toEqual([]);
  });

  it('are all tests of rxjs/', () => {
    const files = readdirSync(join(MARBLE_TESTS, 'rxjs')).filter((file) => file.endsWith('.test.ts'));
    const titles = files.flatMap((file) => testsIn(read('rxjs', file)).map(({ title }) => title));
    expect(traps.map(({ title }) => title).sort()).toEqual(titles.sort());
  });
});

describe('a drawing in Markdown', () => {
  it('is read by its columns, without the remark', () => {
    expect(drawnLines('source  -a-  b\nx y     - 1s ^!      a remark\n        --^!\n')).toEqual([
      { label: 'source', marbles: '-a-' },
      { label: 'x y', marbles: '- 1s ^!' },
      { label: '', marbles: '--^!' },
    ]);
  });

  it('is found if its test does not draw it', () => {
    expect(undrawn('source  -a-\nmine    --b|     a remark\n', "const source = hot('  -a-');")).toEqual(['mine  --b|']);
  });

  it('is compared without alignment spaces', () => {
    expect([...marblesIn(`const a = '   -a-b  '; const b = [" 9s  a"];`)]).toEqual(['-a-b', '9s a']);
  });
});
