/** The source of one test of a marble file. */
export interface WrittenTest {
  /** The title of its group. */
  readonly group: string;
  readonly title: string;
  /** From its title to the next test. */
  readonly body: string;
}

/** The beginning of a group or of a test, with its title; a table of cases may come before that. */
const BEGINNING = /^(describe| {2}test)(?:\.each\(.*?\))?\(\s*(['"])([^\n]*?)\2/gms;

/** The tests of a marble file, in their order. */
export function testsIn(source: string): WrittenTest[] {
  let group = '';
  const tests: WrittenTest[] = [];
  const beginnings = [...source.matchAll(BEGINNING)];
  for (const [index, { 1: kind, 3: title = '', index: at }] of beginnings.entries()) {
    if (kind === 'describe') group = title;
    else tests.push({ group, title, body: source.slice(at, beginnings[index + 1]?.index) });
  }
  return tests;
}
