/** Sizes in pixels. A batch of n letters is never wider than its n + 2 characters in the drawing. */
export const FRAME = 24;
export const FOLD = 72;
export const RADIUS = 10;
export const LETTER = 12;
export const ROW = 36;
export const LANE = 22;
export const MARGIN = 16;
export const AXIS = 26;
export const LABEL_LETTER = 7.4; // the width of one letter of a label

/** The style has a background of its own, so that the diagram is readable on light and dark pages. */
export const STYLE = [
  'text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1f2328;text-anchor:middle}',
  '.label{text-anchor:start;fill:#57606a}.title{font-weight:600}.axis{font-size:10px;fill:#57606a}',
  '.ground{fill:#fff;stroke:#d0d7de}.line{stroke:#8c959f;stroke-width:1.5;fill:none}',
  '.marble,.batch{fill:#ddf4ff;stroke:#0969da;stroke-width:1.5}.batch{fill:#fff8c5;stroke:#9a6700}',
  '.box{fill:#f6f8fa;stroke:#8c959f}.end{stroke:#1f2328;stroke-width:2;fill:none}.failed{stroke:#cf222e}',
  '.attempt{fill:#dafbe1;stroke:#1a7f37}.attempt.failed{fill:#ffebe9;stroke:#cf222e}.attempt.aborted{fill:none;stroke:#cf222e;stroke-dasharray:4 2}',
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.label,.axis{fill:#9198a1}',
  '.ground{fill:#0d1117;stroke:#3d444d}.line{stroke:#6e7681}.marble{fill:#0c2d6b;stroke:#58a6ff}.batch{fill:#3b2300;stroke:#d29922}',
  '.box{fill:#161b22;stroke:#6e7681}.end{stroke:#e6edf3}.failed{stroke:#f85149}',
  '.attempt{fill:#04260f;stroke:#3fb950}.attempt.failed{fill:#490202;stroke:#f85149}.attempt.aborted{fill:none;stroke:#f85149}}',
].join('');

/** Text with the special characters of SVG escaped. */
export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
