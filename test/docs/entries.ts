import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** A way into the package: what users import, and the source file behind it. */
export interface Entry {
  /** `spanflow/otlp` */
  readonly name: string;
  /** `src/otlp/index.ts` */
  readonly path: string;
}

type Target = string | { readonly default: string; readonly browser?: Target };

/** One for each source file behind `exports` of package.json, by the first name that it has there. */
export function entries(): Entry[] {
  const { name, exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly exports: Readonly<Record<string, Target>>;
  };
  const all = Object.entries(exports).flatMap(([key, target]) =>
    sourcesOf(target).map((path) => ({ name: join(name, key), path })),
  );
  return all.filter(({ path }, index) => all.findIndex((other) => other.path === path) === index);
}

/** The build of Node first, then that for browsers. */
function sourcesOf(target: Target): string[] {
  if (typeof target !== 'string') return [...sourcesOf(target.default), ...sourcesOf(target.browser ?? '')];
  const [, source] = /^\.\/dist\/(.+)\.js$/.exec(target) ?? [];
  return source === undefined ? [] : [`src/${source}.ts`];
}
