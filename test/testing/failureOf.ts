import { type MarbleKit, type MarbleOptions, marbles } from '../../src/testing/index.ts';

/** The message with which a marble test fails. */
export async function failureOf(test: (kit: MarbleKit) => unknown, options?: MarbleOptions): Promise<string> {
  try {
    await marbles(test, options);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('the test passed');
}

/** Lines without the common indentation. */
export function text(lines: TemplateStringsArray): string {
  const [, ...rest] = lines.join('').split('\n');
  const indents = rest.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const indent = Math.min(...indents);
  return rest
    .map((line) => line.slice(indent))
    .join('\n')
    .trimEnd();
}
