import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../../model/errors.ts';
import { readConfig } from '../../relay/config/readConfig.ts';
import type { RelayCompose, RelayConfig } from '../../relay/options.ts';
import { isMistake, UsageError } from '../command.ts';
import type { RelayArguments } from './arguments.ts';
import { say } from './say.ts';

/** What the arguments, and the file that they name, say now. */
export function configOf({ source, over }: RelayArguments): RelayConfig {
  if (source.kind === 'to') return over({ send: { backend: { url: source.url } } });
  return over(source.kind === 'config' ? fileOf(source.file) : {});
}

/** A file that cannot be read is a mistake in the command's arguments, too. */
function fileOf(file: string): RelayConfig {
  const unset: string[] = [];
  const told = () => {
    if (unset.length > 0) say(`variables that are not set stand for nothing in ${file}: ${unset.join(', ')}`);
  };
  try {
    return readConfig(file, process.env, (name, place) => unset.push(`${name} ${place}`));
  } catch (thrown) {
    throw isMistake(thrown) ? thrown : new UsageError(`the configuration cannot be read: ${messageOf(thrown)}`);
  } finally {
    told();
  }
}

/** The default export of the module that the arguments name, if they do. */
export async function composeOf({ source }: RelayArguments): Promise<RelayCompose | undefined> {
  if (source.kind !== 'module') return undefined;
  const { default: compose } = await loaded(source.file);
  if (typeof compose !== 'function')
    throw new UsageError(`${source.file} must have a function as its default export: ({ traces$ }) => traces$.pipe(…)`);
  return compose as RelayCompose;
}

async function loaded(file: string): Promise<{ readonly default?: unknown }> {
  try {
    return (await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown };
  } catch (thrown) {
    throw new UsageError(`${file} cannot be loaded: ${messageOf(thrown)}`);
  }
}
