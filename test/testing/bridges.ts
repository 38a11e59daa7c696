import { globSync } from 'node:fs';
import { basename, join } from 'node:path';

const SRC = join(import.meta.dirname, '..', '..', 'src');

/** The names of the bridges between Observables and other kinds of streams. */
export const bridges: readonly string[] = globSync(
  ['inputs/fromReadable*.ts', 'inputs/toWritable*.ts', 'outputs/to*.ts'],
  { cwd: SRC },
).map((file) => basename(file, '.ts'));
