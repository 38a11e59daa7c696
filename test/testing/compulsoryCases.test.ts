import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as processors from '../../src/processors/index.ts';
import * as streams from '../../src/streams.ts';
import { bridges } from './bridges.ts';
import { CASES, unassertedSources, wrongCases } from './compulsoryCases.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'marble-tests');
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.test.ts'));
const nameOf = (file: string) => basename(file, '.test.ts');
const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8');

const FRONT = 'a front of the ring: marble-tests/ringInput.test.ts has the cases, for every front';

/** Marble files without compulsory cases, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  streams: 'each is drawn once; what ends, fails and is cut off is driven by streams, in test/inputs and test/outputs',
  fromSpanProcessor: FRONT,
  fromLogRecordProcessor: FRONT,
  failover: 'a sink is no stream: exportTo and fanOut have the cases of what streams through sinks',
  durable: 'a sink is no stream: exportTo and fanOut have the cases of what streams through sinks',
  firstOf: 'a sink is no stream: exportTo and fanOut have the cases of what streams through sinks',
  exportHandle:
    'it is called and answers with promises, it is no stream: test/pipelines/exportHandle.test.ts has its cases',
};

/** Other exports of `spanflow/streams` and `spanflow/processors`, which are no streams, and the bridges, which are drawn in one file. */
const LIMITERS = ['adaptiveConcurrency', 'aimdConcurrency', 'fixedConcurrency'];
const BESIDE = ['mergeStatistics', 'attributeOf', 'createGate', 'memoryBudget', 'runPipeline', ...LIMITERS, ...bridges];

describe('the compulsory cases', () => {
  const held = files.filter((file) => !(nameOf(file) in ELSEWHERE));

  it.each(held)('%s has all of them', (file) => {
    expect(wrongCases(nameOf(file), read(file))).toEqual([]);
  });

  it.each(files)('%s asserts the subscriptions of each source', (file) => {
    expect(unassertedSources(read(file)).map(({ title }) => title)).toEqual([]);
  });

  it('are required of every operator', () => {
    const asked = Object.keys({ ...streams, ...processors }).filter(
      (name) => !(name in ELSEWHERE) && !BESIDE.includes(name),
    );
    expect(held.map(nameOf)).toEqual(expect.arrayContaining(asked));
  });

  it('are exempted only for files that exist', () => {
    expect(files.map(nameOf)).toEqual(expect.arrayContaining(Object.keys(ELSEWHERE)));
  });
});

describe('the check of the compulsory cases', () => {
  const group = "describe('mine: the compulsory cases', () => {\n";
  const test = (name: string) => `  test('${name}: so it is', () => expect(1).toBe(1));\n`;
  const all = CASES.map(test);

  it('accepts all of them, some of them twice', () => {
    expect(wrongCases('mine', [group, ...all.slice(0, 1), ...all].join(''))).toEqual([]);
  });

  it('accepts a group for several fronts of one machinery', () => {
    const fronts = "describe.each(FRONTS)('mine: the compulsory cases of $name', ({ make }) => {\n";
    expect(wrongCases('mine', [fronts, ...all].join(''))).toEqual([]);
  });

  it.each(CASES)('finds that "%s" is missing', (name) => {
    const without = all.filter((written) => written !== test(name));
    const missing = [`"${name}: …" is missing in the group "mine: the compulsory cases"`];
    expect(wrongCases('mine', [group, ...without].join(''))).toEqual(missing);
    // A case of another group or operator does not count.
    expect(wrongCases('mine', [group, ...without, "describe('mine', () => {\n", test(name)].join(''))).toEqual(missing);
  });

  it('finds an unknown case, and a wrong order', () => {
    expect(wrongCases('mine', [group, ...all, test('twice')].join(''))).toContain(
      '"twice: so it is" is none of the compulsory cases',
    );
    expect(wrongCases('mine', [group, ...all.toReversed()].join(''))).toEqual([
      expect.stringMatching(/do not stand in the order never, empty, /),
    ]);
  });

  it('finds a case that asserts nothing', () => {
    const idle = "  test('one: is named, and that is all', () => {});\n";
    const cases = all.map((written) => (written === test('one') ? idle : written));
    expect(wrongCases('mine', [group, ...cases].join(''))).toEqual([
      '"one: is named, and that is all" asserts nothing',
    ]);
  });

  it('finds a source whose subscriptions are not asserted', () => {
    const free = "  test('free', () => {\n    const source = hotBatches('-[a]|');\n";
    expect(unassertedSources(free).map(({ title }) => title)).toEqual(['free']);
    expect(unassertedSources(`${free}    expectSubscriptions(source.subscriptions).toBe(subs);\n`)).toEqual([]);
  });
});
