import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from './entries.ts';
import { type PublicName, publicNames } from './publicApi.ts';

let names: readonly PublicName[] = [];
beforeAll(() => {
  names = publicNames();
});

/** The fields of exported interfaces whose name ends in `Options`. */
const options = () => names.filter(({ exportName, member }) => exportName.endsWith('Options') && member !== '');

const titles = (bad: readonly PublicName[]) => bad.map(({ title }) => title);

/** Each word in backticks, as in `dropNewest`. */
const saysAll = (doc: string, words: readonly string[]) => words.every((word) => doc.includes(`\`${word}\``));

describe('the doc blocks of what the entries export', () => {
  test('reach every name and every member', () => {
    const docs = new Map(names.filter(({ member }) => member === '').map(({ title, doc }) => [title, doc]));
    // What tells the forms of a union apart is explained once, at the union.
    const isExplainedAbove = ({ owner, words }: PublicName) =>
      words.length > 0 && saysAll(docs.get(owner) ?? '', words);
    expect(titles(names.filter((name) => name.doc === '' && !isExplainedAbove(name)))).toEqual([]);
  });

  test('explain each word of a type that consists of words', () => {
    const types = names.filter(({ member, words }) => member === '' && words.some((word) => word.length > 1));
    expect(titles(types.filter(({ doc, words }) => !saysAll(doc, words)))).toEqual([]);
  });

  test('say the unit that a name ends in', () => {
    const units: Readonly<Record<string, RegExp>> = { Millis: /milliseconds/, Bytes: /bytes/i };
    const lacks = ({ member, isNumber, doc }: PublicName) =>
      isNumber && Object.entries(units).some(([ending, unit]) => member.endsWith(ending) && !unit.test(doc));
    expect(titles(names.filter(lacks))).toEqual([]);
  });
});

describe('the doc block of an option', () => {
  test('of a number says its range: "1 or more", "0 to 9"', () => {
    const range = /\bor more\b|[\d`)] to [\d`]/;
    expect(titles(options().filter(({ isNumber, doc }) => isNumber && !range.test(doc)))).toEqual([]);
  });

  test('of words says each of them', () => {
    expect(titles(options().filter(({ doc, words }) => !saysAll(doc, words)))).toEqual([]);
  });

  test('that may be left out says its default, or what happens when it is left out', () => {
    const silent = options().filter(({ isOptional, isCallable, doc }) => {
      return isOptional && !isCallable && !/default|left out/i.test(doc);
    });
    expect(titles(silent)).toEqual([]);
  });

  test('says the default that holds', async () => {
    const wrong: string[] = [];
    for (const { optionsName, defaults } of await allDefaults()) {
      for (const { title, member, doc } of options().filter(({ exportName }) => exportName === optionsName)) {
        const forms = formsOf(defaults[member]);
        if (forms.length > 0 && !forms.some((form) => doc.includes(form)))
          wrong.push(`${title}: ${forms.join(' or ')}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('the links in the doc blocks', () => {
  test('lead from public names to public names', () => {
    const known = new Set(names.flatMap(({ exportName, member }) => [exportName, `${exportName}.${member}`]));
    const dead = names.flatMap(({ title, exportName, targets }) =>
      targets.flatMap((to) => (known.has(to) || known.has(`${exportName}.${to}`) ? [] : [`${title}: ${to}`])),
    );
    expect(dead).toEqual([]);
  });

  test('lead elsewhere to public names, or to what the same file knows', () => {
    const known = new Set(names.map(({ exportName }) => exportName));
    const dead = globSync('src/**/*.ts', { cwd: ROOT }).flatMap((path) => {
      const source = readFileSync(join(ROOT, path), 'utf8');
      const here = new Set(source.replaceAll(/\/\*\*[\s\S]*?\*\//g, '').match(/\w+/g));
      const links = [...source.matchAll(/\{@link (\w+)/g)].map(([, name = '']) => name);
      return links.filter((name) => !known.has(name) && !here.has(name)).map((name) => `${path}: ${name}`);
    });
    expect(dead).toEqual([]);
  });
});

interface Defaults {
  /** `AdaptiveBatchOptions` for `ADAPTIVE_BATCH_DEFAULTS`. */
  readonly optionsName: string;
  readonly defaults: Readonly<Record<string, unknown>>;
}

async function allDefaults(): Promise<Defaults[]> {
  const files = globSync('src/**/*.ts', { cwd: ROOT }).filter((path) =>
    /^export const \w+_DEFAULTS\b/m.test(readFileSync(join(ROOT, path), 'utf8')),
  );
  const modules = await Promise.all(files.map((path) => import(join(ROOT, path)) as Promise<Record<string, unknown>>));
  return modules.flatMap((module) =>
    Object.entries(module).flatMap(([name, defaults]) => {
      const [, constant] = /^([A-Z_]+)_DEFAULTS$/.exec(name) ?? [];
      if (constant === undefined) return [];
      const words = constant.split('_').map((word) => `${word[0]}${word.slice(1).toLowerCase()}`);
      return [{ optionsName: `${words.join('')}Options`, defaults: defaults as Readonly<Record<string, unknown>> }];
    }),
  );
}

/** How a doc block may write a default; empty for what is no number, word or boolean. */
function formsOf(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : [`\`${value}\``, `\`'${value}'\``];
  if (typeof value === 'boolean') return [String(value)];
  if (typeof value !== 'number') return [];
  const inMebibytes = value % 2 ** 20 === 0 && value > 0 ? [`${value / 2 ** 20} MiB`] : [];
  return [value.toLocaleString('en'), ...inMebibytes, ...(value === Number.POSITIVE_INFINITY ? ['`Infinity`'] : [])];
}
