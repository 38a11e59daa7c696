/** One row of a drawing in a text: what it is called, and its marbles. */
export interface DrawnLine {
  readonly label: string;
  readonly marbles: string;
}

/** The rows of a ```text block: a label, the marbles, and perhaps a remark, with two spaces or more between them. */
export function drawnLines(block: string): DrawnLine[] {
  const lines = block.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const [label = '', marbles = ''] = line.trimEnd().split(/\s{2,}/);
    return { label, marbles };
  });
}

/** The ```text blocks of a Markdown text, or of the doc comments of a source. */
export function textBlocks(text: string): string[] {
  const plain = text.replaceAll(/^ \* ?/gm, '');
  return [...plain.matchAll(/^```text\n(.*?)^```$/gms)].map(([, block]) => block as string);
}

/** Every string of a source that could be marbles, without the spaces that align it. */
export function marblesIn(source: string): ReadonlySet<string> {
  const strings = [...source.matchAll(/'([^'\n]*)'|"([^"\n]*)"|`([^`\n]*)`/g)];
  return new Set(strings.map(([, single, double, template]) => aligned(single ?? double ?? template ?? '')));
}

function aligned(marbles: string): string {
  return marbles.trim().replaceAll(/\s+/g, ' ');
}
