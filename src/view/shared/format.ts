const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat('en', { maximumFractionDigits: 1, notation: 'compact' });

/** `12,345` */
export function count(value: number): string {
  return WHOLE.format(value);
}

/** `12,345` up to a hundred thousand, then `1.2M`: what fits into a small box. */
export function shortCount(value: number): string {
  return Math.abs(value) < 100_000 ? WHOLE.format(value) : SHORT.format(value);
}

/** `3 µs`, `4.5 ms`, `120 ms`, `2.4 s`, `3 min` */
export function duration(millis: number): string {
  if (millis < 0.001) return '0 ms';
  if (millis < 1) return `${Math.round(millis * 1_000)} µs`;
  if (millis < 9.95) return `${millis.toFixed(1)} ms`;
  if (millis < 999.5) return `${Math.round(millis)} ms`;
  if (millis < 59_950) return `${(millis / 1_000).toFixed(1)} s`;
  return `${Math.round(millis / 60_000)} min`;
}
