/** How many random cases a property draws: as many as it says, or `SPANFLOW_RUNS`. `SPANFLOW_SEED` replays those of a failure, whose message names the seed. */
export function randomRuns(usual: number): { readonly numRuns: number; readonly seed?: number } {
  const seed = wholeOf('SPANFLOW_SEED');
  return { numRuns: wholeOf('SPANFLOW_RUNS') ?? usual, ...(seed !== undefined && { seed }) };
}

function wholeOf(variable: string): number | undefined {
  const text = process.env[variable];
  if (text === undefined) return undefined;
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new RangeError(`${variable} is a whole number, and this is ${text}`);
}
