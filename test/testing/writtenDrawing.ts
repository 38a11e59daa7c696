import type { Diagram, DiagramRow } from '../../src/testing/diagrams/diagram.ts';
import { diagramSvg } from '../../src/testing/diagrams/diagramSvg.ts';
import { parseMarbles, parseSubscription } from '../../src/testing/marbles/syntax.ts';

/** One row of a drawing, as the source of its test has it. */
export interface WrittenRow {
  readonly kind: 'hot' | 'cold' | 'expected' | 'subscriptions' | 'attempts';
  readonly label: string;
  /** One line; for subscriptions and attempts, one for each. */
  readonly lines: readonly string[];
  /** The letters of each attempt. */
  readonly letters: readonly string[];
  /** Its position in the source. */
  readonly at: number;
}

/** The drawing of a marble test: its rows in the order of the diagram. */
export interface WrittenDrawing {
  readonly name: string;
  readonly title: string;
  readonly inputs: readonly WrittenRow[];
  readonly outputs: readonly WrittenRow[];
}

type Constants = ReadonlyMap<string, Pick<WrittenRow, 'lines' | 'at'>>;

/** The drawing of a test that has a diagram. */
export function drawingIn(body: string): WrittenDrawing | undefined {
  const [, name, options = ''] = /\bdiagram\('([\w$]+)'(?:, \{(.*?)\})?\)/s.exec(body) ?? [];
  if (name === undefined) return undefined;
  const [title = name] = stringsIn(/\btitle(?:: | = )('[^']*'|"[^"]*")/.exec(body)?.[1] ?? '');
  const labels = (which: string) => stringsIn(new RegExp(`${which}: \\[([^\\]]*)\\]`).exec(options)?.[1] ?? '');
  const constants = constantsIn(body);
  return {
    name,
    title,
    inputs: [...sourcesIn(body, labels('sources')), ...subscriptionsIn(body, constants, labels('subscriptions'))],
    outputs: [...attemptsIn(body, constants), ...resultsIn(body, constants, labels('results'))],
  };
}

/** Whether the rows are in the same order in the source and in the diagram. */
export function isInOrder({ inputs, outputs }: WrittenDrawing): boolean {
  const places = [...inputs, ...outputs].map(({ at }) => at);
  return places.every((place, index) => index === 0 || place > (places[index - 1] ?? 0));
}

/** The drawing as text: inputs, title, outputs. */
export function textOf({ title, inputs, outputs }: WrittenDrawing): string {
  const rows = [...inputs, ...outputs];
  const indent = Math.max(...rows.map(({ label }) => label.length)) + 2;
  const width = Math.max(...rows.flatMap(({ lines }) => lines).map(({ length }) => length)) + 4;
  const linesOf = ({ label, lines, letters }: WrittenRow) =>
    lines.map((marbles, index) => {
      const carried = letters[index] === undefined ? '' : `[${letters[index]}]`;
      return `${(index === 0 ? label : '').padEnd(indent)}${marbles.padEnd(width)}${carried}`.trimEnd();
    });
  return [...inputs.flatMap(linesOf), `${' '.repeat(indent)}${title}`, ...outputs.flatMap(linesOf), ''].join('\n');
}

/** The drawing as an SVG, without the ends of attempts, which the source does not show. */
export function pictureOf({ title, inputs, outputs }: WrittenDrawing): string {
  const diagram: Diagram = { title, inputs: inputs.map(diagramRow), outputs: outputs.map(diagramRow) };
  return withoutEnds(diagramSvg(diagram));
}

/** A picture as {@link pictureOf} draws it. */
export function withoutEnds(svg: string): string {
  return svg.replaceAll(/"attempt (failed|aborted)"/g, '"attempt ended"');
}

function diagramRow({ kind, label, lines, letters }: WrittenRow): DiagramRow {
  if (kind !== 'subscriptions' && kind !== 'attempts') {
    const { marks } = parseMarbles(lines[0] ?? '', kind);
    return { kind: 'stream', label, marks: marks.filter(({ frame }) => frame >= 0) };
  }
  const spans = lines.map((line, index) => {
    const { subscribedFrame: fromFrame, unsubscribedFrame: toFrame } = parseSubscription(line);
    return { fromFrame, toFrame, letters: letters[index] ?? '', end: 'ended' as const };
  });
  return { kind, label, spans };
}

function sourcesIn(body: string, labels: readonly string[]): WrittenRow[] {
  const calls = [...body.matchAll(/\b(hot|cold)(?:Batches)?\(('[^']*')/g)];
  return calls.map(({ 1: kind, 2: marbles = '', index: at }, index) => {
    return { kind: kind as 'hot' | 'cold', label: labels[index] ?? 'source', lines: linesIn(marbles), letters: [], at };
  });
}

function subscriptionsIn(body: string, constants: Constants, labels: readonly string[]): WrittenRow[] {
  const calls = [...body.matchAll(/\bexpectSubscriptions\(\w+\.subscriptions\)\.toBe\((\w+)\)/g)];
  return calls.map(([call, name], index) => {
    const label = labels[index] ?? 'subscribed';
    return { kind: 'subscriptions', label, letters: [], ...written(name, call, constants) };
  });
}

function attemptsIn(body: string, constants: Constants): WrittenRow[] {
  const calls = [...body.matchAll(/\bexpectAttempts\((\w+)\)\.toBe\((\w+), \[(.*?)\]\)/g)];
  return calls.map(([call, sink = '', name, letters = '']) => {
    const label = calls.length === 1 ? 'attempts' : nameOfSink(sink, body);
    return { kind: 'attempts', label, letters: stringsIn(letters), ...written(name, call, constants) };
  });
}

/** With several sinks, each row has the name of its sink. */
function nameOfSink(constant: string, body: string): string {
  return new RegExp(`\\bconst ${constant} = sink\\([^;]*\\bname: '([^']*)'`).exec(body)?.[1] ?? 'scripted';
}

function resultsIn(body: string, constants: Constants, labels: readonly string[]): WrittenRow[] {
  const calls = [...body.matchAll(/\bexpect(?:Observable|Batches|Outcomes)\(.*?\.toBe\(\s*(\w+)/gs)];
  return calls.map(([call, name], index) => {
    return { kind: 'expected', label: labels[index] ?? 'result', letters: [], ...written(name, call, constants) };
  });
}

function written(name: string | undefined, call: string, constants: Constants) {
  const constant = constants.get(name ?? '');
  if (constant === undefined) throw new Error(`no constant of the test draws what is expected in\n  ${call}`);
  return constant;
}

/** The constants of a test that hold a drawing, or an array of drawings. */
function constantsIn(body: string): Constants {
  const constants = body.matchAll(/\bconst (\w+) = ('[^']*'|\[\s*'[^\]]*\])/g);
  return new Map(
    [...constants].map(({ 1: name = '', 2: value = '', index: at }) => [name, { lines: linesIn(value), at }]),
  );
}

function linesIn(code: string): string[] {
  return stringsIn(code).map((marbles) => marbles.trim().replaceAll(/\s+/g, ' '));
}

function stringsIn(code: string): string[] {
  return [...code.matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, single, double]) => single ?? double ?? '');
}
