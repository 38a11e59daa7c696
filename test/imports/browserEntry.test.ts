import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

// Why are the exports written down twice? `export *` is not used in this package: an entry shows what it has. So a shared module would have to be named export by export as well, in both entries, and that
// would be three lists. This test keeps the two alike.

/** The statements of an entry, each in one line. */
function exportsOf(entry: string): string[] {
  const source = readFileSync(join(import.meta.dirname, '..', '..', 'src', entry), 'utf8');
  return [...source.matchAll(/^export (?:type )?\{[^}]*\} from '[^']+';$/gm)].map(([text]) =>
    text.replaceAll(/\s+/g, ' '),
  );
}

const ENTRY = exportsOf('streams.ts');
const IN_BROWSERS = exportsOf('streamsInBrowser.ts');

it('spanflow/streams in browsers has what it has elsewhere, but for what needs Node', () => {
  const left = ENTRY.filter((statement) => !IN_BROWSERS.includes(statement));
  expect(left).toEqual([
    "export { fromReadable } from './inputs/fromReadable.ts';",
    "export { toWritable } from './inputs/toWritable.ts';",
    "export { toReadable } from './outputs/toReadable.ts';",
    "export type { PipelineInput, RunPipelineOptions } from './pipelines/runPipeline/options.ts';",
    "export { type RunningPipeline, runPipeline } from './pipelines/runPipeline/runPipeline.ts';",
  ]);
});

it('spanflow/streams in browsers has nothing that it does not have elsewhere, in the same order', () => {
  expect(IN_BROWSERS.length).toBeGreaterThan(30);
  expect(ENTRY.filter((statement) => IN_BROWSERS.includes(statement))).toEqual(IN_BROWSERS);
});
