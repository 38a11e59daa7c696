/**
 * Has `dist` load less than the sources ask for, by two imports that are written otherwise. Each stays on its line, so that source maps fit.
 *
 * RxJS: the modules that are used instead of the index, which loads 223 modules in Node (its build for Node is CommonJS, so no bundler leaves anything out either). They are the very modules that the index hands on, so there is
 * one class `Observable`, whoever imports it. RxJS exports them as `rxjs/internal/*`.
 *
 * Node: an `import` of a module reads each of its properties, and with them loads what they load by and by: 2 to 3 ms for each of three modules. `getBuiltinModule` does not.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'rolldown';

const RXJS = join(import.meta.dirname, '..', 'node_modules', 'rxjs', 'dist', 'esm', 'index.js');

export function lighterImports(): Plugin {
  const paths = pathsIn(readFileSync(RXJS, 'utf8'));
  return {
    name: 'lighter-imports',
    transform: { filter: { id: /\.ts$/ }, handler: (code) => ({ code: lighter(code, paths), map: null }) },
  };
}

/** Where each name of the index is from: `Subject` is in `internal/Subject`. */
function pathsIn(index: string): ReadonlyMap<string, string> {
  const lines = index.matchAll(/^export \{ (.+) \} from '\.\/(internal\/.+)';$/gm);
  return new Map([...lines].flatMap(([, names = '', path = '']) => names.split(', ').map((name) => [name, path])));
}

function lighter(code: string, paths: ReadonlyMap<string, string>): string {
  const imports = /^import \{([^}]*)\} from '(rxjs|node:(?:util|net|stream))';/gm;
  return code.replaceAll(imports, (statement, listed: string, from: string) => {
    const names = valuesIn(listed);
    const written = from === 'rxjs' ? fromParts(names, paths) : fromBuiltin(names, from);
    return written + '\n'.repeat(statement.split('\n').length - 1);
  });
}

function valuesIn(listed: string): string[] {
  const names = listed.split(',').map((name) => name.trim());
  return names.filter((name) => name !== '' && !name.startsWith('type '));
}

function fromParts(names: readonly string[], paths: ReadonlyMap<string, string>): string {
  const importOf = (name: string) => {
    const path = paths.get(name.split(' as ')[0] ?? '');
    if (path === undefined) throw new Error(`RxJS exports no ${name}`);
    return `import { ${name} } from 'rxjs/${path}';`;
  };
  return names.map(importOf).join(' ');
}

function fromBuiltin(names: readonly string[], from: string): string {
  const bindings = names.map((name) => name.replace(' as ', ': ')).join(', ');
  return names.length === 0 ? '' : `const { ${bindings} } = process.getBuiltinModule('${from}');`;
}
