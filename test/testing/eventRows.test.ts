import { expect, it } from 'vitest';
import { drawRows } from '../../src/testing/expectations/eventRows.ts';
import { parseMarbles } from '../../src/testing/marbles/syntax.ts';

const at = (frame: number, text: string) => ({ frame, text });

it('equal columns are equal frames, across folds, groups and stamps', () => {
  const rows = [
    [at(1, 'a'), at(2, '[bcd]'), at(40, 'e'), at(100, '|')],
    [at(1, 'a'), at(3, 'b'), at(4, 'c'), at(4, 'd'), at(40, 'e'), at(100, 'f')],
    [at(40, 'e'), at(41, '|')],
    [],
  ];
  expect(drawRows(rows).lines).toEqual([
    '-a[bcd]- 32ms e 59ms |',
    '-a-b(cd) 32ms e 59ms f',
    '-------- 32ms e|',
    '-------- 32ms - 59ms',
  ]);
  expect(drawRows(rows).columns).toEqual([[1, 2, 14, 21], [1, 3, 5, 6, 14, 21], [14, 15], []]);
});

it('an event that cannot be drawn at its frame gets a stamp, and the rows are aligned again after it', () => {
  const rows = [
    [at(1, '[ab]'), at(3, '[cd]'), at(20, 'e')],
    [at(1, '[ab]'), at(8, 'c'), at(20, 'd')],
  ];
  expect(drawRows(rows).lines).toEqual(['-[ab] @3ms:[cd]---------------e', '-[ab]---          c-----------d']);
});

it('a row without stamps can be parsed again', () => {
  const marbles = '-a--(bc)-[de] 500ms ([f][g]|)';
  const { marks } = parseMarbles(marbles, 'expected');
  const events = marks.map((mark) => {
    if (mark.kind === 'batch') return at(mark.frame, `[${mark.letters.join('')}]`);
    return at(mark.frame, mark.kind === 'next' ? mark.letter : '|');
  });
  expect(drawRows([events]).lines[0]).toBe(marbles);
});
