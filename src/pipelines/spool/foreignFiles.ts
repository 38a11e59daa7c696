import type { SignalName } from '../../model/signal.ts';
import { type SpoolName, spoolName } from './names.ts';
import { isGone } from './owner.ts';

export interface ForeignParts {
  readonly directory: string;
  readonly signal: SignalName;
  /** Whether this pipeline sends what is on this way. */
  readonly isOurs: (way: string) => boolean;
  readonly maxAgeMillis: number;
  readonly tell: (message: string) => void;
}

/**
 * Looks for files of sinks that the pipeline does not have, or not any more: nobody sends them. They are told, and removed when they are too old. Those of other signals are left to their pipelines.
 */
export async function lookForForeignFiles(parts: ForeignParts): Promise<void> {
  const { directory, signal, isOurs, maxAgeMillis, tell } = parts;
  const { readdir } = process.getBuiltinModule('node:fs').promises;
  const names = await readdir(directory).catch((): string[] => []);
  let [left, removed] = [0, 0];
  for (const name of names) {
    const found = spoolName(name);
    if (found === undefined || found.signal !== signal || isOurs(found.way) || !isNobodys(found)) continue;
    const isOld = Date.now() - found.writtenAtMillis > maxAgeMillis;
    if (isOld && (await isRemoved(directory, name))) removed += 1;
    else left += 1;
  }
  const where = `of sinks that this pipeline does not have, in ${directory}`;
  if (removed > 0) tell(`${removed} spooled files ${where}, were older than maxAgeMillis ${maxAgeMillis}: removed`);
  if (left > 0) tell(`${left} spooled files ${where}, are not sent: start it with these sinks again, or remove them`);
}

function isNobodys({ owner }: SpoolName): boolean {
  return owner === undefined || isGone(owner);
}

async function isRemoved(directory: string, name: string): Promise<boolean> {
  const path = process.getBuiltinModule('node:path').join(directory, name);
  return process
    .getBuiltinModule('node:fs')
    .promises.unlink(path)
    .then(
      () => true,
      () => false, // somebody has taken it, or it is another user's
    );
}
