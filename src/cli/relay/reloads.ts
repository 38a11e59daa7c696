import { readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { messageOf } from '../../model/errors.ts';
import type { RelayReload } from '../../relay/api.ts';
import type { RelayConfig } from '../../relay/options.ts';
import type { RelayArguments } from './arguments.ts';
import { configOf } from './configured.ts';
import { say } from './say.ts';

/** Editors and file systems tell one change several times, and a file may be half written. */
const SETTLE_MILLIS = 100;

/**
 * Has the file read again when it changes, and at SIGHUP. A configuration with a mistake is reported, and the running one stays.
 *
 * @param reload given what reads the configuration, so that it can count what cannot be read, too
 *
 * @returns a function that stops watching
 */
export function followConfig(given: RelayArguments, reload: (read: () => RelayConfig) => RelayReload): () => void {
  const { source } = given;
  const read = () => tell(() => reload(() => configOf(given)));
  process.on('SIGHUP', read);
  const leave = source.kind === 'config' ? watchedIfPossible(source.file, read) : () => {};
  return () => {
    process.off('SIGHUP', read);
    leave();
  };
}

/** The operating system may refuse it, for want of watches for example (ENOSPC): then only SIGHUP has the file read again. */
function watchedIfPossible(file: string, onChange: () => void): () => void {
  try {
    return watched(file, onChange);
  } catch (thrown) {
    say(`${basename(file)} is not watched (${messageOf(thrown)}): send SIGHUP when it has changed`);
    return () => {};
  }
}

/** The folder is watched, because a file that is replaced is another one. */
function watched(file: string, onChange: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let text = textOf(file);
  const look = () => {
    const now = textOf(file);
    if (now === text) return;
    text = now;
    if (now === undefined)
      say(`${basename(file)} is gone, and what it said last stays: it is read again when it is back`);
    else onChange();
  };
  const watcher = watch(dirname(file), { persistent: false }, () => {
    clearTimeout(timer);
    timer = setTimeout(look, SETTLE_MILLIS).unref();
  });
  watcher.on('error', (thrown) => say(`${basename(file)} is not watched any more (${messageOf(thrown)}): send SIGHUP`));
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function tell(reload: () => RelayReload): void {
  try {
    const { needsRestart } = reload();
    const restart = needsRestart.length === 0 ? '' : `; what is new in ${needsRestart.join(' and ')} needs a restart`;
    say(`the configuration was read again, and holds from now on${restart}`);
  } catch (thrown) {
    say(`the configuration was read again and is wrong, so nothing has changed: ${messageOf(thrown)}`);
  }
}
