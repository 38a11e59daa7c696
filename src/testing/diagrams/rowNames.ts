import { MarbleFailure } from '../failures/failure.ts';

/** Rows of one kind in a diagram, and what the test calls them. */
export interface RowNaming {
  /** The option that names them. */
  readonly option: 'sources' | 'subscriptions' | 'results';
  /** What the test drew in each: `hot('-a-|')`. */
  readonly drawings: readonly string[];
  readonly names: readonly string[] | undefined;
  /** What one row is called that has no name. */
  readonly otherwise: string;
  /** Whether several rows may go without names. */
  readonly mayShare?: boolean;
}

/** The label of each row. A row that would have none, or that of another, is refused: nobody could tell from the drawing what it is. */
export function rowNames(diagram: string, naming: RowNaming): readonly string[] {
  const { option, drawings, names, otherwise, mayShare = false } = naming;
  if (names === undefined && (drawings.length <= 1 || mayShare)) return drawings.map(() => otherwise);
  const given = names ?? [];
  const problem = problemOf(given, drawings.length, option);
  if (problem === undefined) return given;
  const width = Math.max(...drawings.map((drawing) => drawing.length));
  const rows = drawings.map((drawing, index) => `  ${drawing.padEnd(width)}  ${given[index]?.trim() || '(no name)'}`);
  const extra = given.slice(drawings.length).map((name) => `  ${'(no row)'.padEnd(width)}  ${name}`);
  const rule = `diagram('${diagram}', { ${option}: […] }) wants one name for each, in the order of the test`;
  throw new MarbleFailure([`${rule}: ${problem}`, '', ...rows, ...extra].join('\n'));
}

function problemOf(names: readonly string[], count: number, option: RowNaming['option']): string | undefined {
  if (names.length !== count) return `${counted(count, ROW[option])}, but ${counted(names.length, 'name')}`;
  if (names.some((name) => name.trim() === '')) return 'a name is empty';
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `two are called '${twice}'`;
}

/** What makes a row of each kind. */
const ROW = { sources: 'source', subscriptions: 'expectSubscriptions', results: 'expectation' } as const;

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 || thing.endsWith('s') ? '' : 's'}`;
}
