/** One row of a drawing in Markdown: its label and its marbles. */
export interface DrawnLine {
  readonly label: string;
  readonly marbles: string;
}

/** The drawing of a doc comment, and the name of what it documents. */
export interface DocDrawing {
  readonly name: string;
  readonly text: string;
}

/** The rows of a ```text block: a label, the marbles and optionally a remark, separated by two or more spaces. */
export function drawnLines(block: string): DrawnLine[] {
  const lines = block.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const [label = '', marbles = ''] = line.trimEnd().split(/\s{2,}/);
    return { label, marbles };
  });
}

/** The ```text blocks of a Markdown text. */
export function textBlocks(text: string): string[] {
  return [...text.matchAll(/^```text\n(.*?)^```$/gms)].map(([, block]) => block as string);
}

/** The ```text blocks in the doc comments of the exports of a source. A block in any other comment has the name ''. */
export function docDrawings(source: string): DocDrawing[] {
  const comments = source.matchAll(
    /^([ \t]*)\/\*\*\n(.*?)\*\/\n(?:export (?:function|class|const|interface) (\w+))?/gms,
  );
  return [...comments].flatMap(([, indent = '', comment = '', name = '']) => {
    const lines = comment.split('\n').map((line) => line.slice(indent.length).replace(/^ \* ?/, ''));
    return textBlocks(lines.join('\n')).map((text) => ({ name: indent === '' ? name : '', text }));
  });
}

/** Every string of a source that could be marbles, without alignment spaces. */
export function marblesIn(source: string): ReadonlySet<string> {
  const strings = [...source.matchAll(/'([^'\n]*)'|"([^"\n]*)"|`([^`\n]*)`/g)];
  return new Set(strings.map(([, single, double, template]) => aligned(single ?? double ?? template ?? '')));
}

function aligned(marbles: string): string {
  return marbles.trim().replaceAll(/\s+/g, ' ');
}
