import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The bridges between Observables and streams, by name. */
export const bridges: readonly string[] = readdirSync(join(import.meta.dirname, '..', '..', 'src', 'bridges'))
  .map((file) => basename(file, '.ts'))
  .filter((name) => /^(from|to)[A-Z]/.test(name));
