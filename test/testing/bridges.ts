import { globSync } from 'node:fs';
import { basename, join } from 'node:path';

const SRC = join(import.meta.dirname, '..', '..', 'src');

/** What stands between Observables and other kinds of streams, by name. */
export const bridges: readonly string[] = globSync(
  ['inputs/fromReadable*.ts', 'inputs/channel/to*.ts', 'outputs/to*.ts'],
  { cwd: SRC },
).map((file) => basename(file, '.ts'));
