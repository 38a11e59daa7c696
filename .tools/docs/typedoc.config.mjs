import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const at = (path) => join(root, path);
const { exports } = JSON.parse(readFileSync(at('package.json'), 'utf8'));

/** `src/otlp/index.ts` for `./dist/otlp/index.js`. What a browser gets is a part of `spanflow/streams`. */
const entries = Object.values(exports).flatMap((target) => {
  const [, source] = /^\.\/dist\/(.+)\.js$/.exec(target.default ?? '') ?? [];
  return source === undefined ? [] : [at(`src/${source}.ts`)];
});

/** What `npm run docs` makes. Whether each name has a doc block, with unit and default, is checked by `npm test` (`test/docs`). */
export default {
  name: 'spanflow',
  tsconfig: at('.tsconfig.build.json'),
  entryPoints: [...new Set(entries)],
  readme: at('README.md'),
  projectDocuments: [
    'src/README.md',
    'src/operators/README.md',
    'src/otlp/README.md',
    'src/testing/README.md',
    'marble-tests/README.md',
    'examples/README.md',
    'CHANGELOG.md',
  ].map(at),
  out: at('.docs'),
  customCss: join(import.meta.dirname, 'style.css'),
  includeVersion: true,
  hideGenerator: true,
  // In the order of the entries, which is that in which an item meets the stages; and what is called stands before what it takes and gives.
  sort: ['kind'],
  kindSortOrder: [
    'Document',
    'Module',
    'Function',
    'Variable',
    'Interface',
    'TypeAlias',
    'Class',
    'Constructor',
    'Property',
    'Accessor',
    'Method',
    'Reference',
  ],
  groupOrder: ['Documents', 'Modules', 'Functions', 'Variables', '*'],
  navigation: { includeGroups: true },
  plugin: [join(import.meta.dirname, 'links.mjs')],
  excludeInternal: true,
  excludePrivate: true,
  // What others declare is described there, but for the options that `inSpan` shares with OpenTelemetry's `startSpan`.
  excludeExternals: true,
  externalPattern: ['**/node_modules/!(@opentelemetry)/**', '**/node_modules/@opentelemetry/!(api)/**'],
  externalSymbolLinkMappings: { '@opentelemetry/api': { '*': '#' } },
  treatWarningsAsErrors: true,
  // Links to files and folders are checked by `npm test`, and so are members without a doc block.
  validation: { notExported: true, invalidLink: true, invalidPath: false, rewrittenLink: true, notDocumented: true },
  requiredToBeDocumented: ['Class', 'Interface', 'TypeAlias', 'Function', 'Variable'],
  intentionallyNotExported: [
    // Helpers of the compiler.
    'Exactly',
    'LowerCase',
    'ResultOf',
    'ItemsByLetter',
  ],
};
