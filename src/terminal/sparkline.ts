const NOTHING = '▁';
const LEVELS = ['▂', '▃', '▄', '▅', '▆', '▇', '█'];

/**
 * The newest values as a line of blocks, from 0 to `max`. It grows from the left, and moves when it is full. What is more than nothing is seen.
 *
 * @param width columns, and so values at most
 */
export function sparkline(values: readonly number[], width: number, max: number): string {
  const shown = width > 0 ? values.slice(-width) : [];
  return shown.map((value) => blockOf(value / max)).join('');
}

function blockOf(share: number): string {
  if (!(share > 0)) return NOTHING;
  return LEVELS[Math.min(LEVELS.length, Math.ceil(share * LEVELS.length)) - 1] as string;
}
