/**
 * Has `dist` load less than the sources ask for, by two imports that are written otherwise. Each stays on its line, so that source maps fit.
 *
 * RxJS: `#rxjs` hands on the parts that are used, instead of the index, which loads 223 modules in Node (its build for Node is CommonJS, so no bundler leaves anything out either). They are the very modules that the index hands
 * on, so there is one class `Observable`, whoever imports it. RxJS exports them as `rxjs/internal/*`.
 *
 * Node takes half a millisecond for each `import` of a module of CommonJS, also of one that it has loaded before, and much less for a `require`. So `#rxjs` is one file that requires the parts. Where RxJS is made of ES modules,
 * as it is for browsers, `#rxjs` is one of them: `imports` in package.json has the same condition as RxJS.
 *
 * `#grpc` and `#package` are the files of CommonJS that load optional peers; a bundler would write them into a module, which has no `require`.
 *
 * Node's own modules: an `import` of one reads each of its properties, and with them loads what they load by and by. `getBuiltinModule` does not. It is for those that Node has loaded at its start anyway: what others load is
 * written where it is used.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'rolldown';

const RXJS = join(import.meta.dirname, '..', 'node_modules', 'rxjs', 'dist', 'esm', 'index.js');

export interface LighterImports extends Plugin {
  /** Writes the two files that `#rxjs` stands for, with what was imported from it. */
  writeParts(folder: string): void;
}

export function lighterImports(): LighterImports {
  const paths = pathsIn(readFileSync(RXJS, 'utf8'));
  const used = new Set<string>();
  return {
    name: 'lighter-imports',
    transform: { filter: { id: /\.ts$/ }, handler: (code) => ({ code: lighter(code, used), map: null }) },
    writeParts: (folder) => {
      const parts = [...used].sort().map((name) => [name, partWith(name, paths)] as const);
      const required = parts.map(([name, path]) => `exports.${name} = require("${path}").${name};\n`);
      const handedOn = parts.map(([name, path]) => `export { ${name} } from "${path}";\n`);
      writeFileSync(join(folder, 'rxjs.cjs'), `"use strict";\n${required.join('')}`);
      writeFileSync(join(folder, 'rxjs.js'), handedOn.join(''));
    },
  };
}

/** Where each name of the index is from: `Subject` is in `internal/Subject`. */
function pathsIn(index: string): ReadonlyMap<string, string> {
  const lines = index.matchAll(/^export \{ (.+) \} from '\.\/(internal\/.+)';$/gm);
  return new Map([...lines].flatMap(([, names = '', path = '']) => names.split(', ').map((name) => [name, path])));
}

function partWith(name: string, paths: ReadonlyMap<string, string>): string {
  const path = paths.get(name);
  if (path === undefined) throw new Error(`RxJS exports no ${name}`);
  return `rxjs/${path}`;
}

function lighter(source: string, used: Set<string>): string {
  const code = source
    .replace("from './requireGrpc.cjs';", "from '#grpc';")
    .replace("from './requirePackage.cjs';", "from '#package';");
  const imports = /^import \{([^}]*)\} from '(rxjs|node:(?:buffer|util))';/gm;
  return code.replaceAll(imports, (statement, listed: string, from: string) => {
    const names = valuesIn(listed);
    if (from === 'rxjs') for (const name of names) used.add(name.split(' as ')[0] as string);
    const written = from === 'rxjs' ? `import { ${names.join(', ')} } from '#rxjs';` : fromBuiltin(names, from);
    return (names.length === 0 ? '' : written) + '\n'.repeat(statement.split('\n').length - 1);
  });
}

function valuesIn(listed: string): string[] {
  const names = listed.split(',').map((name) => name.trim());
  return names.filter((name) => name !== '' && !name.startsWith('type '));
}

function fromBuiltin(names: readonly string[], from: string): string {
  const bindings = names.map((name) => name.replace(' as ', ': ')).join(', ');
  return `const { ${bindings} } = process.getBuiltinModule('${from}');`;
}
