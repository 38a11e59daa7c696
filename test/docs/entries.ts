import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** A way into the package. */
export interface Entry {
  /** What users import: `spanflow/otlp`. */
  readonly name: string;
  /** The source behind it: `src/otlp/index.ts`. */
  readonly path: string;
}

type Target = string | { readonly default: string; readonly browser?: Target };

/** What `exports` of package.json says, in that order. A name comes once more for browsers, if they get another source. */
export function entries(): Entry[] {
  const { name, exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly exports: Readonly<Record<string, Target>>;
  };
  return Object.entries(exports).flatMap(([key, target]) =>
    sourcesOf(target).map((path) => ({ name: join(name, key), path })),
  );
}

function sourcesOf(target: Target): string[] {
  if (typeof target !== 'string') return [...sourcesOf(target.default), ...sourcesOf(target.browser ?? '')];
  const [, source] = /^\.\/dist\/(.+)\.js$/.exec(target) ?? [];
  return source === undefined ? [] : [`src/${source}.ts`];
}
