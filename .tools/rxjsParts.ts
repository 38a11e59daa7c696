/**
 * Has `dist` import of RxJS the modules that it uses, and not its index, which loads 223 modules in Node (its build for Node is CommonJS, of which a bundler leaves out nothing either). They are the very modules that the index
 * hands on, so there is one class `Observable`, whoever imports it. RxJS exports them as `rxjs/internal/*`; the peer range ends with the line that does.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'rolldown';

const INDEX = join(import.meta.dirname, '..', 'node_modules', 'rxjs', 'dist', 'esm', 'index.js');

export function rxjsParts(): Plugin {
  const paths = pathsIn(readFileSync(INDEX, 'utf8'));
  return {
    name: 'rxjs-parts',
    transform: { filter: { id: /\.ts$/ }, handler: (code) => ({ code: withParts(code, paths), map: null }) },
  };
}

/** Where each name of the index is from: `Subject` is in `internal/Subject`. */
function pathsIn(index: string): ReadonlyMap<string, string> {
  const lines = index.matchAll(/^export \{ (.+) \} from '\.\/(internal\/.+)';$/gm);
  return new Map([...lines].flatMap(([, names = '', path = '']) => names.split(', ').map((name) => [name, path])));
}

/** Each import stays on its lines, so that source maps fit. */
function withParts(code: string, paths: ReadonlyMap<string, string>): string {
  return code.replaceAll(/^import \{([^}]*)\} from 'rxjs';/gm, (statement, names: string) => {
    const values = names.split(',').map((name) => name.trim()).filter((name) => name !== '' && !name.startsWith('type '));
    const imports = values.map((name) => `import { ${name} } from 'rxjs/${pathOf(name.split(' as ')[0] ?? '', paths)}';`);
    return imports.join(' ') + '\n'.repeat(statement.split('\n').length - 1);
  });
}

function pathOf(name: string, paths: ReadonlyMap<string, string>): string {
  const path = paths.get(name);
  if (path === undefined) throw new Error(`RxJS does not export ${name}`);
  return path;
}
