import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as spanflow from '../../src/index.ts';
import * as logs from '../../src/logs.ts';
import * as metrics from '../../src/metrics.ts';
import * as processors from '../../src/processors/index.ts';
import * as workers from '../../src/workers/index.ts';
import { docDrawings, textBlocks } from './drawnText.ts';
import { testsIn } from './marbleTests.ts';
import { drawingIn, isInOrder, pictureOf, textOf, type WrittenDrawing, withoutEnds } from './writtenDrawing.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Functions without a marble drawing, and why. */
const UNDRAWN: Readonly<Record<string, string>> = {
  spanPipeline:
    'its doc block draws the way of a span; its times are those of fromSpanProcessor, adaptiveBatch and exportTo',
  runPipeline: 'its doc block draws what it gives each stage; its times are those of the composition',
  logPipeline: 'as spanPipeline',
  metricPipeline: 'its doc block draws the way of a collection; its times are those of adaptiveBatch and exportTo',
  otlpHttp: 'a sink answers when a socket does; exportTo draws sinks',
  toExporter: 'a sink answers when the exporter does',
  toMemory: 'answers at once',
  toConsole: 'answers at once',
  withFlush: 'a function around calls, and no stream; its doc block draws one call',
  createGate: 'a state without a clock; the drawings of channel and fromAsyncIterable show one',
  createLedger: 'books have no time',
  memoryBudget: 'a sum without a clock',
  adaptiveConcurrency:
    'a limit without a stream; marble-tests/exportTo/concurrency.test.ts shows what it does to attempts',
  aimdConcurrency: 'a limit without a stream',
  fixedConcurrency: 'a limit without a stream',
  withItems: 'a pure function',
  attributeOf: 'a pure function',
  operatorTask: 'a task for workers, which answers once; inWorkers draws tasks',
  exponentialBackoff: 'a decision without a clock; retryWithBackoff draws its waits',
  fixedSize: 'a decision without a clock; adaptiveBatch draws sizes',
  latencyTarget: 'a decision without a clock',
  spanPriority: 'a pure function',
  responsiveSize: 'a decision without a clock',
  workerPool: 'threads have no virtual time; inWorkers draws a pool of two',
  workerTask: 'a name of a function',
  toPort: 'a sink answers when the other side does',
  fromPort: 'its times are those of the other side; its doc block draws the way of a batch',
  sumStats: 'a pure function',
};

/** Functions whose picture is that of a screen. Their tests draw it. */
const SCREENS = ['statsToConsole'];

const tests = globSync('marble-tests/*.test.ts', { cwd: ROOT })
  .sort()
  .flatMap((path) => testsIn(read(path)));
const drawings = tests.map(({ body }) => drawingIn(body)).filter((drawing) => drawing !== undefined);
const named = new Map<string, WrittenDrawing>(drawings.map((drawing) => [drawing.name, drawing]));

const sources = globSync('src/**/*.ts', { cwd: ROOT }).sort();
const documented = sources.flatMap((path) => docDrawings(read(path)).map((drawing) => ({ path, ...drawing })));
const inMarbles = documented.filter(({ name }) => !SCREENS.includes(name));

describe('the drawing in the doc block of', () => {
  it.each(inMarbles)('$name is the text of its marble test', ({ name, text }) => {
    const drawing = named.get(name);
    if (drawing === undefined) throw new Error(`no marble test draws ${name}`);
    expect(text).toBe(textOf(drawing));
  });

  it('each drawn name occurs once', () => {
    expect(inMarbles.map(({ name }) => name).sort()).toEqual(drawings.map(({ name }) => name).sort());
  });

  it('adaptiveBatch is the example of marble-tests/README.md', () => {
    const [example] = textBlocks(read('marble-tests/README.md'));
    expect(documented).toContainEqual(expect.objectContaining({ name: 'adaptiveBatch', text: example }));
  });

  it('no ```text block of a source file is overlooked', () => {
    const marked = (path: string) => read(path).split('```text').length - 1;
    expect(sources.filter((path) => docDrawings(read(path)).length !== marked(path))).toEqual([]);
  });
});

describe('the drawing of', () => {
  it.each(drawings)('$name is written in the order of its rows', (drawing) => {
    expect(isInOrder(drawing)).toBe(true);
  });

  it.each(drawings)('$name is the committed picture', (drawing) => {
    expect(withoutEnds(read(`marble-tests/diagrams/${drawing.name}.svg`))).toBe(pictureOf(drawing));
  });
});

describe('the README', () => {
  const [, inventory = ''] = /^## What there is\n(.*?)^## /ms.exec(read('README.md')) ?? [];
  const names = [...inventory.matchAll(/`(\w+)(?:\([^)`]*\))?`/g)].map(([, name = '']) => name);
  const functions = Object.entries({ ...spanflow, ...logs, ...metrics, ...processors, ...workers }).filter(
    ([, value]) => typeof value === 'function',
  );
  const listed = functions.map(([name]) => name).filter((name) => names.includes(name));

  it('lists each operator, drawn or exempted', () => {
    expect(listed.filter((name) => !named.has(name) && !(name in UNDRAWN))).toEqual([]);
    expect(listed.filter((name) => named.has(name)).sort()).toEqual([...named.keys()].sort());
  });

  it('exempts no drawn operator and no missing one', () => {
    expect(Object.keys(UNDRAWN).filter((name) => named.has(name) || !listed.includes(name))).toEqual([]);
  });

  /** The names of the pictures in the tables of a page. */
  const picturesIn = (page: string, folder: string) => {
    const rows = read(page).match(/^\|.*\|$/gm) ?? [];
    const pictures = rows.flatMap((row) => [...row.matchAll(/!\[(\w+)\]\((.*?)\)/g)]);
    for (const [, name, path] of pictures) expect(path).toBe(`${folder}/${name}.svg`);
    return pictures.map(([, name = '']) => name);
  };

  it('leads to the pictures of all operators, each shown once', () => {
    expect(read('README.md')).toContain('](marble-tests/README.md#pictures)');
    expect(picturesIn('marble-tests/README.md', 'diagrams').sort()).toEqual([...named.keys()].sort());
  });
});
