export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function seconds(millis: number): string {
  if (millis < 60_000) return `${(millis / 1_000).toFixed(millis < 9_950 ? 1 : 0)} s`;
  return `${Math.round(millis / 60_000)} min`;
}
