import { describe, expect, it } from 'vitest';
import { docDrawings } from './drawnText.ts';
import { testsIn } from './marbleTests.ts';
import { drawingIn, isInOrder, pictureOf, textOf, withoutEnds } from './writtenDrawing.ts';

/** Two tests, of which the first has a diagram. */
const TESTS = `
describe('mine', () => {
  test('drops what comes while the gate is closed', () =>
    marbles(({ hot, sink, expectObservable, expectSubscriptions, expectAttempts, diagram }) => {
      diagram('mine', { title: "mine: a gate that is closed at 'x'", sources: ['source', 'gate'], results: ['kept'] });
      const source = hotBatches(' -[a]-(b|)', LETTERS);
      const gate = hot('          --x');
      const subs = '              ^----!';
      const attempts = ['         -^--!', '-----^!'];
      const expected = '          -a--|';
      const backend = sink('---(r|)', '-#');
      expectObservable(
        source.pipe(mine(gate)),
      ).toBe(expected, LETTERS);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectAttempts(backend).toBe(attempts, ['a', 'b']);
    }));

  test.each([1, 2])('keeps what comes later, %i at a time', (count) =>
    marbles(({ hot, expectObservable }) => {
      const source = hot(' ------d|');
      const expected = '   ------d|';
    }));
});
`;

const TEXT = `source      -[a]-(b|)
gate        --x
subscribed  ^----!
            mine: a gate that is closed at 'x'
attempts    -^--!        [a]
            -----^!      [b]
kept        -a--|
`;

const drawingOf = (source: string) => {
  const [drawing] = testsIn(source).flatMap(({ body }) => drawingIn(body) ?? []);
  if (drawing === undefined) throw new Error('nothing is drawn');
  return drawing;
};
const edited = (from: string | RegExp, to: string) => {
  const changed = TESTS.replace(from, to);
  expect(changed).not.toBe(TESTS);
  return changed;
};

describe('the drawing of a marble test', () => {
  it('has its rows, in the order of the diagram, and its title, as text', () => {
    expect(textOf(drawingOf(TESTS))).toBe(TEXT);
    expect(isInOrder(drawingOf(TESTS))).toBe(true);
  });

  it('is that of one test, without rows of another', () => {
    expect(testsIn(TESTS).map(({ group, title }) => `${group}, ${title}`)).toEqual([
      'mine, drops what comes while the gate is closed',
      'mine, keeps what comes later, %i at a time',
    ]);
    expect(textOf(drawingOf(TESTS))).not.toContain('------d|');
  });

  it.each([
    ['a row that is missing', "      const gate = hot('          --x');\n", ''],
    ['a row under another label', "['source', 'gate']", "['source', 'door']"],
    ['a result under another label', "['kept']", "['left']"],
    ['other marbles', '-a--|', '-a-b|'],
    ['other subscriptions', '^----!', '^---!'],
    ['an attempt with other letters', "['a', 'b']", "['a', 'c']"],
    ['another title', 'closed at', 'shut at'],
  ])('is another text and another picture with %s', (_what, from, to) => {
    const changed = drawingOf(edited(from, to));
    expect(textOf(changed)).not.toBe(TEXT);
    expect(pictureOf(changed)).not.toBe(pictureOf(drawingOf(TESTS)));
  });

  it('differs if its rows are in another order, and the message says how to write them', () => {
    const swapped = drawingOf(edited(/( +const source = .*\n)( +const gate = .*\n)/, '$2$1'));
    expect(textOf(swapped)).not.toBe(TEXT);
    const late = drawingOf(edited(/( +const gate = .*\n)( +const subs = .*\n)/, '$2$1'));
    expect(textOf(late)).toBe(TEXT);
    expect(isInOrder(late)).toBe(false);
  });

  it('names its rows source and result, unless the test does', () => {
    const plain = drawingOf(edited(/\{ title.*?\}/, '{}'));
    expect(textOf(plain)).toMatch(/^source .*\nsource .*\nsubscribed .*\n {12}mine\n.*\nresult /s);
  });

  it('is refused if an expected row is not written', () => {
    expect(() => drawingOf(edited('toBe(subs)', 'toBe(others)'))).toThrow('expectSubscriptions(source.subscriptions)');
  });

  it('has the same picture for all ends of attempts', () => {
    expect(withoutEnds('<rect class="attempt failed"/>')).toBe('<rect class="attempt ended"/>');
  });
});

describe('the drawing of a doc comment', () => {
  const comment = (indent: string) =>
    ['/**', ' * Drops.', ' *', ' * ```text', ' * a  -|', ' * ```', ' */'].map((line) => indent + line).join('\n');

  it('belongs to the export after it', () => {
    expect(docDrawings(`${comment('')}\nexport function mine() {}\n`)).toEqual([{ name: 'mine', text: 'a  -|\n' }]);
  });

  it('has no name before a declaration that is not exported', () => {
    expect(docDrawings(`${comment('')}\nfunction mine() {}\n`)).toEqual([{ name: '', text: 'a  -|\n' }]);
    expect(docDrawings(`class Mine {\n${comment('  ')}\n  drop() {}\n}\n`)).toEqual([{ name: '', text: 'a  -|\n' }]);
  });
});
