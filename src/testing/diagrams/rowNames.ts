import { MarbleFailure } from '../failures/failure.ts';

/** The rows of one kind in a diagram, and their names. */
export interface RowNaming {
  /** The option of `DiagramOptions` that names them. */
  readonly option: 'sources' | 'subscriptions' | 'results';
  /** The drawing of each row: `hot('-a-|')`. */
  readonly drawings: readonly string[];
  readonly names: readonly string[] | undefined;
  /** The label of a row without a name. */
  readonly otherwise: string;
  /** Whether several rows may have no name. */
  readonly mayShare?: boolean;
}

/** The label of each row. Throws if several rows have no name or the same one, because the drawing would be ambiguous. */
export function rowNames(diagram: string, naming: RowNaming): readonly string[] {
  const { option, drawings, names, otherwise, mayShare = false } = naming;
  if (names === undefined && (drawings.length <= 1 || mayShare)) return drawings.map(() => otherwise);
  const given = names ?? [];
  const problem = problemOf(given, drawings.length, option);
  if (problem === undefined) return given;
  const width = Math.max(...drawings.map((drawing) => drawing.length));
  const rows = drawings.map((drawing, index) => `  ${drawing.padEnd(width)}  ${given[index]?.trim() || '(no name)'}`);
  const extra = given.slice(drawings.length).map((name) => `  ${'(no row)'.padEnd(width)}  ${name}`);
  const rule = `diagram('${diagram}', { ${option}: […] }) needs one name for each, in the order of the test`;
  throw new MarbleFailure([`${rule}: ${problem}`, '', ...rows, ...extra].join('\n'));
}

function problemOf(names: readonly string[], count: number, option: RowNaming['option']): string | undefined {
  if (names.length !== count) return `${counted(count, ROW[option])}, but ${counted(names.length, 'name')}`;
  if (names.some((name) => name.trim() === '')) return 'a name is empty';
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `two are called '${twice}'`;
}

/** What each row of a kind is called in messages. */
const ROW = { sources: 'source', subscriptions: 'expectSubscriptions', results: 'expectation' } as const;

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 || thing.endsWith('s') ? '' : 's'}`;
}
