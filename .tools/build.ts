/**
 * Makes `dist` anew: one module for each entry of `exports` and `bin`, chunks for what several entries share, and the declarations that the entries reach, all with maps to `src`, which is in the package.
 *
 * Why bundle? Node spends up to a millisecond on each file of an import, and `src` has more than 200. Dependencies are not bundled: they are the ones that the user has installed.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';
import { bundlePage } from './bundlePage.ts';
import { lighterImports } from './lighterImports.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Refuses an older Node. Every entry imports it first, and it keeps a module of its own, which `sideEffects` in package.json names. */
const REQUIRE_NODE = 'internal/requireNode';

interface Conditions {
  readonly browser?: Conditions;
  readonly default: string;
}

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Conditions>>;
}

rmSync(dist, { recursive: true, force: true });
try {
  const { bin, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  const entries = entriesOf(Object.values(exports).flatMap(pathsOf));
  declare(entries);
  await bundle([...entries, ...entriesOf(Object.values(bin))]);
  report();
} catch (error) {
  // Half a build must not be packed by accident.
  rmSync(dist, { recursive: true, force: true });
  console.error(`the build failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

/** `otlp/index` for `./dist/otlp/index.js`. */
function entriesOf(paths: readonly string[]): string[] {
  return [...new Set(paths.flatMap((path) => /^\.\/dist\/(.+)\.js$/.exec(path)?.[1] ?? []))];
}

function pathsOf(entry: string | Conditions): string[] {
  if (typeof entry === 'string') return [entry];
  return [entry.default, ...(entry.browser === undefined ? [] : pathsOf(entry.browser))];
}

/** Writes all declarations with the locked compiler, then removes those that no entry reaches. */
function declare(entries: readonly string[]): void {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = [compiler, '--project', '.tsconfig.build.json'];
  const { status, error, signal } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(error?.message ?? `tsc ended with ${signal ?? `exit code ${status}`}`);
  const reached = new Set<string>();
  const reach = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    const imports = readFileSync(path, 'utf8').matchAll(/(?:from |import |import\()['"](\.[^'"]+)\.[jt]s['"]/g);
    for (const [, to] of imports) reach(join(dirname(path), `${to}.d.ts`));
  };
  for (const entry of entries) reach(join(dist, `${entry}.d.ts`));
  for (const path of filesOf('.d.ts')) {
    if (reached.has(path)) continue;
    rmSync(path);
    rmSync(`${path}.map`);
  }
}

async function bundle(entries: readonly string[]): Promise<void> {
  const modules = [REQUIRE_NODE, ...entries];
  const lighter = lighterImports();
  const build = await rolldown({
    cwd: root,
    input: Object.fromEntries(modules.map((name) => [name, join('src', `${name}.ts`)])),
    platform: 'node',
    external: (id) => !/^[./]/.test(id),
    transform: { target: 'es2024' },
    plugins: [await pageInside(), await threadInside('workers'), await threadInside('durable'), lighter],
    // Its import has no names, and would be left out.
    treeshake: { moduleSideEffects: (id) => id.endsWith(`${REQUIRE_NODE}.ts`) },
  });
  // A user's bundler takes what it needs from a chunk, and may pass over the entry and what that imports first.
  const banner = ({ isEntry }: { readonly isEntry: boolean }) => (isEntry ? '' : `import "../${REQUIRE_NODE}.js";`);
  const names = { entryFileNames: '[name].js', chunkFileNames: 'shared/[name].js' };
  // By itself it makes a file of each small thing that another set of entries shares, and Node spends time on each.
  const test =
    /\/src\/(?:model|internal|ledger|flow|strategies|destination|inputs\/shared)\/(?!requireNode)|\/src\/(?:inputs\/runInput|outputs\/options|pipelines\/(?:controls|rules)|sinks\/shared\/(?:attemptEnd|orAborted|refused))/;
  const exporting =
    /\/src\/(?:operators\/(?:exportTo\/|shared\/givenBatch|raceTimeout|retryWithBackoff)|pipelines\/(?:lifeCycle\/|foreignItems))/;
  const groups = [
    { name: 'base', test, minShareCount: 2 },
    { name: 'exportTo', test: exporting, minShareCount: 2 },
  ];
  const codeSplitting = { groups };
  await build.write({ dir: dist, format: 'esm', comments: false, sourcemap: true, banner, codeSplitting, ...names });
  await build.close();
  lighter.writeParts(join(dist, 'shared'));
  // By `#grpc` and `#package` in package.json.
  copyFileSync(join(root, 'src/peers/requireGrpc.cjs'), join(dist, 'shared', 'grpc.cjs'));
  copyFileSync(join(root, 'src/peers/requirePackage.cjs'), join(dist, 'shared', 'package.cjs'));
  for (const path of filesOf('.js.map')) writeFileSync(path, withoutSources(readFileSync(path, 'utf8')));
}

/** The sources lie beside `dist`. */
function withoutSources(map: string): string {
  const { sourcesContent: _, ...rest } = JSON.parse(map) as Record<string, unknown>;
  return JSON.stringify(rest);
}

/** Puts the page of the live view into the module that reads it from the sources. */
async function pageInside(): Promise<Plugin> {
  const code = `export const pageFiles = async () => (${JSON.stringify(await bundlePage())});`;
  const reader = join(root, 'src', 'view', 'pageFiles.ts');
  return { name: 'page-inside', load: (id) => (id === reader ? { code, moduleType: 'js' } : undefined) };
}

/** Puts the code of a worker thread into the module that says where it is. A file beside it would be left behind by a bundler. */
async function threadInside(room: string): Promise<Plugin> {
  const folder = join(root, 'src', room, 'thread');
  const main = JSON.stringify(await bundleThread(join(folder, 'bootstrap.ts')));
  const code = `export const threadEntry = () => ({ main: ${main}, eval: true });`;
  const entry = join(folder, 'threadEntry.ts');
  return { name: `${room}-thread-inside`, load: (id) => (id === entry ? { code, moduleType: 'js' } : undefined) };
}

/** One script of CommonJS, as \`new Worker(code, { eval: true })\` takes it. */
async function bundleThread(input: string): Promise<string> {
  const build = await rolldown({ cwd: root, input, platform: 'node', transform: { target: 'es2024' } });
  const { output } = await build.generate({ format: 'cjs', comments: false, minify: 'dce-only' });
  await build.close();
  return output[0].code;
}

function filesOf(ending: string): string[] {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith(ending)).map((file) => join(dist, file));
}

function report(): void {
  const kinds = Object.entries({ modules: '.js', declarations: '.d.ts', maps: '.map' });
  const counts = kinds.map(([kind, ending]) => {
    const files = filesOf(ending);
    const kilobytes = files.reduce((sum, path) => sum + statSync(path).size, 0) / 1_000;
    return `${files.length} ${kind} of ${kilobytes.toFixed(0)} kB`;
  });
  console.log(`dist holds ${counts.join(', ')}`);
}
