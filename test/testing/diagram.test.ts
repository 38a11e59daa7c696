import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catchError, delay, EMPTY, mergeMap, of } from 'rxjs';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { NO_HOLD } from '../../src/model/batch.ts';
import { type DiagramOptions, type MarbleKit, marbles } from '../../src/testing/index.ts';
import { failureOf, text } from './failureOf.ts';

const folder = mkdtempSync(join(tmpdir(), 'spanflow-diagrams-'));
const keptIn = join(import.meta.dirname, '..', '..', 'marble-tests');

afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Draws everything that a diagram can show. */
function everything({
  hotBatches,
  hot,
  sink,
  expectObservable,
  expectSubscriptions,
  expectAttempts,
  diagram,
}: MarbleKit) {
  diagram('everything', { title: 'a < b & c', sources: ['batches', 'stop'], results: ['answers', 'errors'], folder });
  const backend = sink<unknown>('--(r|)', '-#', '---');
  const source = hotBatches('-[ab] 400ms ([c]|)');
  const stop = hot('#');
  const batch = (items: readonly unknown[]) => ({ items, bytes: 0, closedBy: 'count', hold: () => NO_HOLD }) as const;
  expectObservable(
    source.pipe(mergeMap((items) => (items.length === 2 ? backend.export(batch(items)) : of('x').pipe(delay(3))))),
  ).toBe('---r 404ms (x|)', { r: {}, x: 'x' });
  expectObservable(stop).toBe('#');
  expectSubscriptions(source.subscriptions).toBe('^ 404ms !');
  expectAttempts(backend).toBe(['-^-!']);
}

const svgOf = async (test: (kit: MarbleKit) => unknown, name: string) => {
  vi.stubEnv('SPANFLOW_DIAGRAMS', 'write');
  await marbles(test);
  return readFileSync(join(folder, `${name}.svg`), 'utf8');
};

/** The numbers of an attribute, in the order of the file. */
const numbersOf = (svg: string, pattern: RegExp) => [...svg.matchAll(pattern)].map(([, number]) => Number(number));

describe('a diagram', () => {
  it('is the same in each run, well-formed, small and without a script', async () => {
    const svg = await svgOf(everything, 'everything');
    expect(await svgOf(everything, 'everything')).toBe(svg);
    expect(svg.length).toBeLessThan(4_000);
    expect(svg).not.toMatch(/<script|href|\son\w+=|NaN|undefined|Infinity/);
    expect(svg).toContain('<title>a &#60; b &#38; c</title>');
    expect(svg).toContain('prefers-color-scheme:dark');
    isWellFormed(svg);
  });

  it('has a row for each source, subscription, attempt and expectation, and nothing lies outside of it', async () => {
    const svg = await svgOf(everything, 'everything');
    const labels = [...svg.matchAll(/<text class="label"[^>]*>([^<]*)/g)].map(([, label]) => label);
    expect(labels).toEqual(['batches', 'stop', 'subscribed', 'attempts', 'answers', 'errors']);
    const width = Number(/ width="(\d+)"/.exec(svg)?.[1]);
    const xs = [...numbersOf(svg, / c?x="(-?[\d.]+)"/g), ...numbersOf(svg, /[MH](-?[\d.]+)/g)];
    expect(Math.min(...xs)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...xs)).toBeLessThan(width);
  });

  it('folds a long silence, in all rows at the same place', async () => {
    const svg = await svgOf(everything, 'everything');
    expect(Number(/ width="(\d+)"/.exec(svg)?.[1])).toBeLessThan(700);
    expect(svg).toContain('⋯');
    expect(svg).toContain('>405ms<');
  });

  it('shows how attempts end, and puts overlapping ones under each other', async () => {
    const svg = await svgOf(({ cold, sink, spans, expectObservable, expectAttempts, diagram }) => {
      diagram('attempts', { folder });
      const backend = sink<unknown>('-#', '--(r|)', '---');
      const source = cold('    ab-c---', spans());
      const expected = '       ---b---';
      const attempts = ['      ^!', '-^-!', '---^--!'];
      const sent = source.pipe(
        mergeMap((span) =>
          backend
            .export({ items: [span], bytes: 0, closedBy: 'count', hold: () => NO_HOLD })
            .pipe(catchError(() => EMPTY)),
        ),
      );
      expectObservable(sent, '^-----!').toBe(expected, { b: {} });
      expectAttempts(backend).toBe(attempts, ['a', 'b', 'c']);
    }, 'attempts');
    const bars = [...svg.matchAll(/class="attempt (\w+)" x="\d+" y="(\d+)"/g)].map(([, end, y]) => [end, y]);
    expect(bars.map(([end]) => end).sort()).toEqual(['aborted', 'ended', 'failed']);
    expect(new Set(bars.map(([, y]) => y)).size).toBe(2);
  });

  it('draws a later source at its own time', async () => {
    const svg = await svgOf(async ({ cold, expectObservable, advanceBy, diagram }) => {
      diagram('later', { sources: ['early', 'late'], results: ['first', 'second'], folder });
      expectObservable(cold('a---------|')).toBe('a---------|');
      await advanceBy(4);
      expectObservable(cold('a|')).toBe('a|');
    }, 'later');
    const [first, second, ...results] = numbersOf(svg, /cx="(\d+)"/g);
    expect((second ?? 0) - (first ?? 0)).toBe(4 * 24);
    expect(results).toEqual([first, second]);
  });

  it('aligns events at one frame in two rows', async () => {
    const svg = await svgOf(({ cold, expectObservable, diagram }) => {
      diagram('aligned', { folder });
      expectObservable(cold('-a-b-(cd)|')).toBe('-a-b-(cd)|');
    }, 'aligned');
    const centres = numbersOf(svg, /cx="(\d+)"/g);
    expect(centres.slice(0, 4)).toEqual(centres.slice(4));
    expect(new Set(centres).size).toBe(4);
  });
});

describe('the rows of a diagram', () => {
  const labelsOf = (svg: string) => [...svg.matchAll(/<text class="label"[^>]*>([^<]*)/g)].map(([, label]) => label);

  /** Two sources, two subscriptions, two sinks and two results. */
  const twoOfEach =
    (options: DiagramOptions, names = ['first', 'second']) =>
    (kit: MarbleKit) => {
      const { cold, sink, expectObservable, expectSubscriptions, expectAttempts, diagram } = kit;
      diagram('two', { ...options, folder });
      const [one, other] = [cold('-a|'), cold('b|')];
      expectObservable(one).toBe('-a|');
      expectObservable(other).toBe('b|');
      expectSubscriptions(one.subscriptions).toBe('^-!');
      expectSubscriptions(other.subscriptions).toBe('^!');
      for (const name of names) expectAttempts(sink('r', { name })).toBe([]);
    };
  const all = { sources: ['a', 'b'], subscriptions: ['to a', 'to b'], results: ['A', 'B'] };

  it('have the names that the test gives, in its order; attempts have the name of their sink', async () => {
    const svg = await svgOf(twoOfEach(all), 'two');
    expect(labelsOf(svg)).toEqual(['a', 'b', 'to a', 'to b', 'first', 'second', 'A', 'B']);
  });

  it('have default names if there is one of a kind; subscriptions always do', async () => {
    const { subscriptions: _, ...others } = all;
    expect(labelsOf(await svgOf(twoOfEach(others), 'two')).slice(2, 4)).toEqual(['subscribed', 'subscribed']);
    const one = ({ cold, sink, expectObservable, expectAttempts, diagram }: MarbleKit) => {
      diagram('one', { folder });
      expectObservable(cold('-a|')).toBe('-a|');
      expectAttempts(sink('r', { name: 'mine' })).toBe([]);
    };
    expect(labelsOf(await svgOf(one, 'one'))).toEqual(['source', 'attempts', 'result']);
  });

  it('need names if there are several', async () => {
    const { sources: _, ...others } = all;
    expect(await failureOf(twoOfEach(others))).toBe(text`
      diagram('two', { sources: […] }) needs one name for each, in the order of the test: 2 sources, but 0 names

        cold('-a|')  (no name)
        cold('b|')   (no name)
    `);
  });

  it('do not take too few or too many names, an empty one, or the same one twice', async () => {
    expect(await failureOf(twoOfEach({ ...all, results: ['A'] }))).toBe(text`
      diagram('two', { results: […] }) needs one name for each, in the order of the test: 2 expectations, but 1 name

        expectObservable(…).toBe('-a|')  A
        expectObservable(…).toBe('b|')   (no name)
    `);
    expect(await failureOf(twoOfEach({ ...all, subscriptions: ['x', 'y', 'z'] }))).toBe(text`
      diagram('two', { subscriptions: […] }) needs one name for each, in the order of the test: 2 expectSubscriptions, but 3 names

        expectSubscriptions(…).toBe('^-!')  x
        expectSubscriptions(…).toBe('^!')   y
        (no row)                            z
    `);
    expect(await failureOf(twoOfEach({ ...all, sources: ['a', ' '] }))).toContain(': a name is empty\n');
    expect(await failureOf(twoOfEach({ ...all, sources: ['a', 'a'] }))).toContain(": two are called 'a'\n");
    expect(await failureOf(twoOfEach(all, ['same', 'same']))).toBe(
      "diagram('two') has two rows of attempts of the sink 'same': give each a name, sink('…', { name: 'primary' })",
    );
  });
});

describe('a test with a diagram', () => {
  const drawn = ({ cold, expectObservable, diagram }: MarbleKit) => {
    diagram('kept', { folder });
    expectObservable(cold('-a|')).toBe('-a|');
  };

  it('fails while the diagram is missing, and while it differs', async () => {
    expect(await failureOf(drawn)).toBe(
      `the diagram ${join(folder, 'kept.svg')} is missing: run this test with SPANFLOW_DIAGRAMS=write, look at the drawing, and commit it`,
    );
    await svgOf(drawn, 'kept');
    vi.unstubAllEnvs();
    await marbles(drawn);
    writeFileSync(join(folder, 'kept.svg'), '<svg/>');
    expect(await failureOf(drawn)).toMatch(/kept\.svg is not what its test draws: run this test with /);
  });

  it('writes no diagram when it fails', async () => {
    const broken = ({ cold, expectObservable, diagram }: MarbleKit) => {
      diagram('broken', { folder });
      expectObservable(cold('-a|')).toBe('-b|');
    };
    mkdirSync(folder, { recursive: true });
    vi.stubEnv('SPANFLOW_DIAGRAMS', 'write');
    expect(await failureOf(broken)).toContain('b was expected, but a came');
    expect(readdirSync(folder)).not.toContain('broken.svg');
  });
});

describe('the committed diagrams', () => {
  const files = readdirSync(keptIn, { recursive: true, encoding: 'utf8' });
  const tests = files
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(keptIn, file), 'utf8'));

  it.each(files.filter((file) => file.endsWith('.svg')))('%s belongs to one test, and is well-formed', (file) => {
    const name = file.slice('diagrams/'.length, -'.svg'.length);
    const owners = tests.filter((text) => text.includes(`diagram('${name}'`));
    expect(owners).toHaveLength(1);
    isWellFormed(readFileSync(join(keptIn, file), 'utf8'));
  });
});

/** Every element is closed, in the right order, and every attribute is quoted. */
function isWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [tag, slash, name, , empty] of svg.matchAll(/<(\/?)(\w+)((?:\s[\w:-]+="[^"<]*")*)\s*(\/?)>/g)) {
    if (slash === '/') expect(open.pop(), tag).toBe(name);
    else if (empty !== '/') open.push(name as string);
  }
  expect(open).toEqual([]);
  expect(svg.replaceAll(/<(\/?)(\w+)((?:\s[\w:-]+="[^"<]*")*)\s*(\/?)>/g, '')).not.toMatch(/[<>]|&(?!#\d+;)/);
}
