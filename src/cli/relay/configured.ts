import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readConfig } from '../../relay/config/readConfig.ts';
import type { RelayCompose, RelayConfig } from '../../relay/options.ts';
import { UsageError } from '../command.ts';
import type { RelayArguments } from './arguments.ts';

/** What the arguments, and the file that they name, say now. */
export function configOf({ source, over }: RelayArguments): RelayConfig {
  if (source.kind === 'to') return over({ send: { backend: { url: source.url } } });
  return over(source.kind === 'config' ? readConfig(source.file, process.env) : {});
}

/** The default export of the module that the arguments name, if they do. */
export async function composeOf({ source }: RelayArguments): Promise<RelayCompose | undefined> {
  if (source.kind !== 'module') return undefined;
  const { default: compose } = (await import(pathToFileURL(resolve(source.file)).href)) as { default?: unknown };
  if (typeof compose !== 'function')
    throw new UsageError(`${source.file} must have a function as its default export: ({ traces$ }) => traces$.pipe(…)`);
  return compose as RelayCompose;
}
