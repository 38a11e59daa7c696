import { testsIn, type WrittenTest } from './marbleTests.ts';

/** The compulsory cases of every operator. Each title of their group begins with one of these and a colon. */
export const CASES = [
  'never',
  'empty',
  'one',
  'many',
  'error',
  'early unsubscribe',
  'throwing callback',
  'synchronous re-entrancy',
] as const;

/** The mistakes in the compulsory cases of an operator, found in the source of its marble file. A group for several fronts of one machinery ends in `of $name`. */
export function wrongCases(operator: string, source: string): string[] {
  const group = `${operator}: the compulsory cases`;
  const tests = testsIn(source).filter((test) => test.group.replace(/ of \$name$/, '') === group);
  const cases = tests.map(({ title }) => CASES.findIndex((name) => title.startsWith(`${name}: `)));
  const absent = CASES.filter((_, index) => !cases.includes(index));
  const strange = tests.filter((_, index) => cases[index] === -1);
  const idle = tests.filter(({ body }) => !/\bexpect\w*\(/.test(body));
  const inOrder = cases.every((place, index) => index === 0 || place >= (cases[index - 1] ?? 0));
  return [
    ...absent.map((name) => `"${name}: …" is missing in the group "${group}"`),
    ...strange.map(({ title }) => `"${title}" is none of the compulsory cases`),
    ...idle.map(({ title }) => `"${title}" asserts nothing`),
    ...(inOrder ? [] : [`the cases of "${group}" do not stand in the order ${CASES.join(', ')}`]),
  ];
}

/** The tests that draw a source without asserting its subscriptions. */
export function unassertedSources(source: string): WrittenTest[] {
  return testsIn(source).filter(({ body }) => {
    const draws = /\bconst source = (?:hot|cold)(?:Batches)?\(/.test(body);
    return draws && !body.includes('expectSubscriptions(source.subscriptions)');
  });
}
