import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { publint } from 'publint';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { otlpBackend } from '../../src/testing/index.ts';
import { START_NAMES, startedIn } from '../bench/start.ts';
import { bundled } from '../bench/support/bundle.ts';
import { grpcBackend } from '../support/grpcBackend.ts';
import { namesIn } from '../support/grpcExports.ts';
import { chromiumPath, passWithoutChromium } from '../view/chromium.ts';
import { browserBundle, inChromium, withoutNode } from './browserBundle.ts';
import {
  filesOf,
  INSTALL_BOUND_MILLIS,
  install,
  installedFor,
  MANIFEST,
  pack,
  ROOT,
  readJson,
  type Said,
  say,
} from './installed.ts';
import { olderNodes } from './olderNodes.ts';

/** What a user has installed before, and what the README's first program and the type check need. */
const BESIDE = [
  ...['rxjs', '@opentelemetry/api', '@opentelemetry/sdk-trace'],
  ...['@opentelemetry/sdk-node', 'typescript', '@types/node'],
  // For spanflow/testing/laws alone, which is among the entries that have to be there.
  'fast-check',
  // What some examples ask for.
  ...[
    '@opentelemetry/resources',
    '@opentelemetry/exporter-trace-otlp-proto',
    '@opentelemetry/exporter-trace-otlp-http',
  ],
  // For spanflow/grpc alone.
  '@grpc/grpc-js',
];

/** A program of a project that only traces. Without the SDK of metrics the types of `spanflow/metrics` are not there, but it can be run. */
const TRACING = `
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { spanPipeline, toMemory } from 'spanflow';
import { logPipeline, type ReadableLogRecord } from 'spanflow/logs';

const pipeline = spanPipeline({ sink: toMemory() });
new TracerProvider({ spanProcessors: [pipeline.processor] }).getTracer('tracing').startSpan('a').end();
await pipeline.shutdown();
const logs = logPipeline({ sink: toMemory<ReadableLogRecord>() });
logs.processor.onEmit({ body: 'a' } as ReadableLogRecord);
await logs.shutdown();
const metrics: string = 'spanflow/metrics';
await import(metrics);
console.log(pipeline.stats().delivered, logs.stats().delivered);
`;

const folder = mkdtempSync(join(tmpdir(), 'spanflow-package-'));
const project = join(folder, 'consumer');
const installed = join(project, 'node_modules', 'spanflow');
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
/** What a service that runs the second program does. */
const ONE_SPAN = `
import { trace } from '@opentelemetry/api';
trace.getTracer('shop').startSpan('checkout').end();
await sdk.shutdown();
`;
const EXAMPLES = readdirSync(join(ROOT, 'examples')).filter((file) => /^\d\d-.*\.ts$/.test(file));

let tarball: string;

beforeAll(
  async () => {
    tarball = await pack(folder);
    await install(tarball, project, BESIDE);
    const [first, dropIn] = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, program]) => program);
    writeFileSync(join(project, 'first-program.ts'), first ?? 'the README has no program');
    writeFileSync(join(project, 'drop-in.ts'), `${dropIn ?? 'the README has no second program'}${ONE_SPAN}`);
    // As examples/README.md says.
    cpSync(join(installed, 'examples'), join(project, 'examples'), { recursive: true });
  },
  2 * INSTALL_BOUND_MILLIS + 30_000,
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The files of the tarball. What npm puts below them is not theirs. */
function packed(): string[] {
  return filesOf(installed).filter((file) => !file.startsWith('node_modules/'));
}

/** Where the relative links and images of a packed page lead to, by their paths in the package. */
function linksOf(page: string): string[] {
  const links = [...readFileSync(join(installed, page), 'utf8').matchAll(/\]\(([^)\s#]+)[^)]*\)/g)];
  return links
    .map(([, link]) => link as string)
    .filter((link) => !/^[a-z]+:/i.test(link))
    .map((link) => join(dirname(page), link));
}

/** The packages and the modules of Node that a module and the modules behind it import statically. */
function importsOf(entry: string): string[] {
  return [...reachedFrom(entry).packages].sort();
}

/** The modules behind an entry, itself included, and the packages that they import statically. */
function reachedFrom(entry: string): { readonly modules: ReadonlySet<string>; readonly packages: ReadonlySet<string> } {
  const modules = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (modules.has(file)) return;
    modules.add(file);
    const imports = readFileSync(join(installed, file), 'utf8').matchAll(/^(?:import|export)\b[^;]*?"([^"]+)";$/gm);
    for (const [, name = ''] of imports) {
      if (name.startsWith('.')) visit(join(dirname(file), name));
      else packages.add(name);
    }
  };
  visit(entry);
  return { modules, packages };
}

/** The packages that a declaration and the declarations behind it import. */
function typesOf(entry: string): string[] {
  const reached = new Set<string>();
  const visit = (file: string): string[] => {
    if (reached.has(file)) return [];
    reached.add(file);
    const imports = readFileSync(join(installed, file), 'utf8').matchAll(/(?:from |import |import\()['"]([^'"]+)['"]/g);
    return [...imports].flatMap(([, name = '']) =>
      name.startsWith('.') ? visit(join(dirname(file), name.replace(/\.[jt]s$/, '.d.ts'))) : name,
    );
  };
  return visit(entry);
}

/** Runs a program of the project, by its path in it. */
function node(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Said> {
  return say(process.execPath, args, { cwd: project, environment: { NODE_OPTIONS: '', ...environment } });
}

describe('the tarball', () => {
  it('holds the build and its sources, the examples, what the README leads to, the licence, the changelog and the manifest, and nothing else', () => {
    const files = packed();
    const built =
      /^dist\/.*\.(js|d\.ts)(\.map)?$|^dist\/shared\/(?:rxjs|grpc|package)\.cjs$|^src\/.*\.ts$|^marble-tests\/diagrams\/\w+\.svg$/;
    const beside = files.filter((file) => !built.test(file) && !/^examples\/.*\.tsx?$/.test(file));
    const folders = filesOf(join(ROOT, 'src')).filter((file) => file.endsWith('README.md'));
    const pages = [
      'README.md',
      'examples/README.md',
      'marble-tests/README.md',
      'test/bench/README.md',
      ...folders.map((file) => join('src', file)),
    ];
    expect(new Set(beside)).toEqual(new Set(['CHANGELOG.md', 'LICENSE', 'package.json', ...pages]));
    expect(files).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'dist/otlp/index.js']));
    expect(files.filter((file) => /^tests?\b.*\.ts$|\.test\./.test(file))).toEqual([]);
  });

  it('holds every page and drawing that its README leads to', () => {
    const links = linksOf('README.md');
    expect(links).toEqual(expect.arrayContaining(['src/otlp/README.md', 'marble-tests/README.md']));
    const files = new Set(packed());
    expect(links.filter((link) => !files.has(link))).toEqual([]);
  });

  it('holds every example, and each is in the list of their page', () => {
    const listed = linksOf('examples/README.md');
    const files = new Set(packed());
    expect(listed.filter((link) => !files.has(link))).toEqual([]);
    expect(EXAMPLES.filter((file) => !listed.includes(`examples/${file}`))).toEqual([]);
  });

  it('leads to the sources by a condition of the repository alone, which comes first and has a module for each entry', () => {
    for (const entry of Object.values(MANIFEST.exports)) {
      if (typeof entry === 'string') continue;
      const source = entry.default.replace(/^\.\/dist\/(.*)\.js$/, './src/$1.ts');
      expect(Object.entries(entry)[0]).toEqual(['spanflow-source', source]);
      expect(packed()).toContain(join(source));
    }
  });

  it('holds every drawing that a page of it shows', () => {
    const files = new Set(packed());
    const pages = [...files].filter((file) => file.endsWith('.md'));
    expect(pages.length).toBeGreaterThan(4);
    expect(pages.flatMap(linksOf).filter((link) => link.endsWith('.svg') && !files.has(link))).toEqual([]);
  });

  it('has a declaration for each entry, and all that these declarations import', () => {
    const entries = Object.values(MANIFEST.exports).flatMap((entry) =>
      typeof entry === 'string' ? [] : [entry, entry.browser ?? []].flat().map(({ types }) => join(types)),
    );
    const files = new Set(packed());
    const declarations = [...files].filter((file) => file.startsWith('dist/') && file.endsWith('.d.ts'));
    const imported = declarations.flatMap((file) => {
      const imports = readFileSync(join(installed, file), 'utf8').matchAll(/['"](\.[^'"]+)\.[jt]s['"]/g);
      return [...imports].map(([, path]) => join(dirname(file), `${path}.d.ts`));
    });
    const reached = new Set([...entries, ...imported]);
    expect([...reached].filter((file) => !files.has(file))).toEqual([]);
    expect(declarations.filter((file) => !reached.has(file))).toEqual([]);
  });

  it('has declarations in words that TypeScript 5.4 knows: views of bytes and iterators have got new ones since', () => {
    const declarations = packed().filter((file) => file.startsWith('dist/') && file.endsWith('.d.ts'));
    const newer = declarations.flatMap((file) => {
      const code = readFileSync(join(installed, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      const words = code.match(
        /\b(?:\w+Array|Buffer|ArrayBufferView|DataView)<\w*ArrayBuffer\w*>|\b(?:Array|Map|Set|String)Iterator</g,
      );
      return (words ?? []).map((word) => `${file}: ${word}`);
    });
    expect(newer).toEqual([]);
  });

  it('loads few modules, since Node spends time on each', () => {
    const modules = packed().filter((file) => /^dist\/(index|streams|logs|metrics)\.js$/.test(file));
    expect(modules).toHaveLength(4);
    expect(modules.filter((entry) => reachedFrom(entry).modules.size > 25)).toEqual([]);
  });

  it('leads from each module and each declaration to its sources, which it holds once', () => {
    const files = new Set(packed());
    const maps = [...files].filter((file) => file.endsWith('.map'));
    const missing = [...files].filter((file) => /^dist\/.*\.(js|d\.ts)$/.test(file) && !files.has(`${file}.map`));
    // What only imports has nothing to lead to.
    const isEmpty = (file: string) => !readFileSync(join(installed, file), 'utf8').includes('sourceMappingURL');
    expect(missing.filter((file) => !isEmpty(file))).toEqual([]);
    for (const map of maps) {
      const { sources, ...rest } = readJson<{ sources: string[] }>(join(installed, map));
      expect(rest).not.toHaveProperty('sourcesContent');
      const away = sources.map((source) => join(dirname(map), source)).filter((source) => !files.has(source));
      // Made by the build; and the page of the live view, which is in one piece.
      expect({ map, away }).toEqual({ map, away: [] });
    }
  });

  it('imports nothing at the start but parts of RxJS, by one module', () => {
    for (const entry of ['dist/index.js', 'dist/streams.js', 'dist/streamsInBrowser.js']) {
      expect({ entry, imports: importsOf(entry) }).toEqual({ entry, imports: ['#rxjs'] });
    }
    const required = readFileSync(join(installed, 'dist/shared/rxjs.cjs'), 'utf8');
    const handedOn = readFileSync(join(installed, 'dist/shared/rxjs.js'), 'utf8');
    const parts = (code: string) => [...code.matchAll(/"(rxjs[^"]*)"/g)].map(([, path = '']) => path);
    expect(parts(required).filter((path) => !path.startsWith('rxjs/internal/'))).toEqual([]);
    expect(parts(handedOn)).toEqual(parts(required));
  });

  it.each(['index', 'streams'])('loads few modules of Node at the start of %s', async (entry) => {
    const said = await node(['loaded.mjs', join(installed, 'dist', `${entry}.js`)]);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(said.stdout)).toEqual([]);
  });

  it('needs no SDK of another signal for the types of the one that a program uses', () => {
    const sdks = (entry: string) =>
      [...new Set(typesOf(entry))].filter((name) => /sdk-(logs|metrics)$/.test(name)).sort();
    expect(sdks('dist/index.d.ts')).toEqual([]);
    expect(sdks('dist/streams.d.ts')).toEqual([]);
    expect(sdks('dist/logs.d.ts')).toEqual([]);
    expect(sdks('dist/metrics.d.ts')).toEqual(['@opentelemetry/sdk-metrics']);
    expect(sdks('dist/telemetry/index.d.ts')).toEqual(['@opentelemetry/sdk-metrics']);
  });

  it('needs no optional peer for the types of the live view', () => {
    expect(new Set(typesOf('dist/view/index.d.ts'))).toEqual(new Set(['rxjs']));
  });

  it('names no folder of the machine on which it was packed', () => {
    const folders = [ROOT, homedir(), tmpdir()].map((path) => join(path, '/')).filter((path) => path !== '/');
    const telling = packed().filter((file) => {
      const text = readFileSync(join(installed, file), 'utf8');
      return folders.some((path) => text.includes(path));
    });
    expect(telling).toEqual([]);
  });

  it('is in order as far as publint knows', async () => {
    const { messages } = await publint({ pkgDir: installed, pack: false, strict: true });
    expect(messages).toEqual([]);
  });
});

describe('an empty project that installs the tarball', () => {
  it('gets no package that the README does not name', () => {
    const theirs = installedFor(project, ['spanflow']).filter((name) => name !== 'spanflow');
    expect(theirs).toEqual(['undici']);
    expect(theirs.filter((name) => !isInATable(readme, name))).toEqual([]);
  });

  it('gets no second copy of its peers', () => {
    const peers = Object.keys(MANIFEST.peerDependencies ?? {});
    expect(peers.filter((peer) => existsSync(join(installed, 'node_modules', peer)))).toEqual([]);
  });

  it('type-checks and compiles its programs, our declarations included', async () => {
    const said = await node([join('node_modules', 'typescript', 'bin', 'tsc')]);
    expect(said).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('uses it by import', async () => {
    const said = await node(['out/consumer.mjs']);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(said.stdout)).toEqual({
      name: 'imported',
      delivered: 3,
      refused: ['INVALID_OPTION', 'INVALID_OPTION'],
      offered: 0,
      errors: ['function', 'function', 'toMemory'],
    });
  });

  it('uses it by require', async () => {
    const said = await node(['out/consumer.cjs']);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(said.stdout)).toEqual({ name: 'required', delivered: 1 });
  });

  it('runs the first program of the README, without a collector', async () => {
    const said = await node(['out/first-program.js']);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).toMatch(/^checkout {2}\d+\.\d ms {2}unset/);
    expect(said.stdout).toContain('delivered: 1');
  });

  it('takes the place of BatchSpanProcessor as the README says, and a span arrives', async () => {
    const backend = await otlpBackend();
    try {
      const said = await node(['out/drop-in.js'], {
        OTEL_EXPORTER_OTLP_ENDPOINT: new URL('/', backend.url).href,
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_LOGS_EXPORTER: 'none',
      });
      expect(said).toMatchObject({ code: 0, stderr: '' });
      expect(backend.requests.flatMap(({ spans }) => spans.map(({ name }) => name))).toEqual(['checkout']);
    } finally {
      await backend.close();
    }
  });

  it.each(START_NAMES)('starts as the benchmark %s measures it', async (name) => {
    const backend = await otlpBackend();
    try {
      const { millis, cpuMillis } = await startedIn(project, name, new URL('/', backend.url).href);
      expect([millis, cpuMillis].every(Number.isFinite)).toBe(true);
      expect(backend.spans).toBe(name.endsWith('Export') ? 1 : 0);
    } finally {
      await backend.close();
    }
  });

  it('has the command spanflow, which npm makes executable', async () => {
    const command = join(project, 'node_modules', '.bin', 'spanflow');
    expect(await say(command, ['--version'], { cwd: project })).toMatchObject({
      code: 0,
      stdout: `${MANIFEST.version}\n`,
    });
    expect(await say(command, ['replay'], { cwd: project })).toMatchObject({ code: 2, stdout: '' });
  });

  it('serves the live view, with all that its page needs', async () => {
    const said = await node(['--disallow-code-generation-from-strings', 'view.mjs']);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    const all = { title: 'spanflow', styles: true, runs: true, licence: true, hello: true };
    expect(JSON.parse(said.stdout)).toEqual(all);
  });

  it('encodes, decodes and exports where code generation is forbidden, and counts what a backend rejects', async () => {
    const said = await node(['--disallow-code-generation-from-strings', 'noCodeGeneration.mjs']);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    const attributes = { text: 'a', list: ['b'] };
    const books = { delivered: 1, rejected: 2 };
    expect(JSON.parse(said.stdout)).toEqual({
      isForbidden: true,
      codec: [attributes, attributes],
      books: [books, books],
    });
  });

  it.concurrent.each(EXAMPLES)('runs %s, copied out of the package, without Vitest', async (example) => {
    const args = [...(example.startsWith('06') ? ['--test'] : []), join('examples', example)];
    // Then something hangs: no measure of speed.
    const options = { cwd: project, environment: { NODE_OPTIONS: '' }, boundMillis: 150_000 };
    const said = await say(process.execPath, args, options);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(project, 'node_modules', 'vitest'))).toBe(false);
  });

  it('exports over gRPC', async () => {
    const server = await grpcBackend();
    const program = `
      import { TracerProvider } from '@opentelemetry/sdk-trace';
      import { spanPipeline } from 'spanflow';
      import { otlpGrpc } from 'spanflow/grpc';
      const pipeline = spanPipeline({ sink: otlpGrpc({ url: '${server.url}' }) });
      new TracerProvider({ spanProcessors: [pipeline.processor] }).getTracer('consumer').startSpan('by gRPC').end();
      await pipeline.shutdown();
    `;
    expect(await node(['--input-type=module', '-e', program])).toMatchObject({ code: 0, stderr: '' });
    expect(namesIn(server.arrivals)).toEqual([['by gRPC']]);
  });

  it.each(['telemetry', 'register'])('sends all signals by spanflow/%s', async (subpath) => {
    const server = await otlpBackend();
    const setUp =
      subpath === 'telemetry'
        ? "import { NodeSDK } from '@opentelemetry/sdk-node'; import { telemetry } from 'spanflow/telemetry'; new NodeSDK(telemetry().sdk).start();"
        : '';
    const program = `
      import { logs, metrics, trace } from '@opentelemetry/api';
      ${setUp}
      trace.getTracer('consumer').startSpan('a').end();
      logs.getLogger('consumer').emit({ body: 'b' });
      metrics.getMeter('consumer').createCounter('c').add(1);
    `;
    const flags = subpath === 'register' ? ['--import', 'spanflow/register'] : [];
    try {
      const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: new URL('/', server.url).href };
      const said = await node([...flags, '--input-type=module', '-e', program], environment);
      expect({ ...said, items: server.items }).toEqual({ code: 0, stdout: '', stderr: '', items: 3 });
    } finally {
      await server.close();
    }
  });

  it('runs tasks in worker threads, also where no code is made of texts, and ends when they are idle', async () => {
    const said = await node(['--disallow-code-generation-from-strings', 'workers.mjs']);
    expect(said).toEqual({ code: 0, stdout: '[[2,4],[6]]\n', stderr: '' });
  });

  it('keeps a queue on disk in a thread, also where no code is made of texts', async () => {
    const said = await node(['--disallow-code-generation-from-strings', 'durable.mjs']);
    expect(said.stderr.replaceAll(/.*ExperimentalWarning: SQLite.*\n.*\n/g, '')).toBe('');
    expect(said).toMatchObject({ code: 0, stdout: 'stored 1, sent 1 after the next start\n' });
  });

  it('reaches each entry of exports, by import and by require', async () => {
    const specifiers = Object.keys(MANIFEST.exports).map((subpath) => join('spanflow', subpath));
    expect(specifiers).toEqual(
      expect.arrayContaining([
        'spanflow',
        'spanflow/streams',
        'spanflow/operators',
        'spanflow/durable',
        'spanflow/grpc',
        'spanflow/logs',
        'spanflow/metrics',
        'spanflow/observability',
        'spanflow/receiver',
        'spanflow/otlp',
        'spanflow/processors',
        'spanflow/register',
        'spanflow/relay',
        'spanflow/telemetry',
        'spanflow/terminal',
        'spanflow/testing',
        'spanflow/view',
        'spanflow/workers',
      ]),
    );
    for (const { specifier, imported, required } of await resolve(specifiers)) {
      // An error's code would be a string.
      expect({ specifier, imported: Array.isArray(imported), required: Array.isArray(required) }).toEqual({
        specifier,
        imported: true,
        required: true,
      });
    }
  });

  it('gets the same functions and classes from each entry', async () => {
    const said = await node(['shared.mjs']);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(said.stdout)).toEqual({ notShared: [], isOneClass: true });
  });

  it('reaches nothing behind them', async () => {
    const deep = [
      'dist/index.js',
      'dist/otlp/traces/encode/encode.js',
      'dist/operators/exportTo/exportTo.js',
      'src/index.ts',
      'dist',
    ];
    const refused = 'ERR_PACKAGE_PATH_NOT_EXPORTED';
    for (const answer of await resolve(deep.map((path) => `spanflow/${path}`))) {
      expect(answer).toMatchObject({ imported: refused, required: refused });
    }
  });
});

describe('a project that only traces', () => {
  const tracing = join(folder, 'tracing');

  beforeAll(async () => {
    const beside = ['rxjs', '@opentelemetry/api', '@opentelemetry/sdk-trace', 'typescript', '@types/node'];
    await install(tarball, tracing, beside);
    writeFileSync(join(tracing, 'tracing.mts'), TRACING);
    const config = { extends: './tsconfig.json', include: ['tracing.mts'] };
    writeFileSync(join(tracing, 'tsconfig.tracing.json'), JSON.stringify(config));
  }, 200_000);

  it('has none of the SDKs for other signals', () => {
    const sdks = ['sdk-logs', 'sdk-metrics'].map((name) => join(tracing, 'node_modules', '@opentelemetry', name));
    expect(sdks.filter((path) => existsSync(path))).toEqual([]);
  });

  it('type-checks, our declarations included, and those of spanflow/logs as well', async () => {
    const tsc = join('node_modules', 'typescript', 'bin', 'tsc');
    const said = await say(process.execPath, [tsc, '-p', 'tsconfig.tracing.json'], { cwd: tracing });
    expect(said).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('runs, and takes log records and data points without their SDKs', async () => {
    const said = await say(process.execPath, ['out/tracing.mjs'], { cwd: tracing });
    expect(said).toEqual({ code: 0, stdout: '1 1\n', stderr: '' });
  });
});

describe('a browser', () => {
  const sent = ['http://collector.example/v1/traces', 'application/x-protobuf', true];
  const RUN = {
    ...{ bridges: [], exported: { delivered: 100, arrived: 100 }, merged: true, answered: 100, streamed: 100 },
    fetched: { delivered: 1, attempts: 2, requests: [sent, sent] },
  };
  let bundle: string;
  beforeAll(async () => {
    bundle = await browserBundle(join(project, 'browser.mjs'));
  });

  it('gets a bundle of the operators that leaves nothing outside, and asks for nothing of Node at the start', async () => {
    expect(bundle).not.toMatch(/["']node:(?!async_hooks|v8|buffer)/);
    expect(JSON.parse(JSON.stringify(await withoutNode(bundle)))).toEqual(RUN);
  });

  it('runs it', async (context) => {
    const path = chromiumPath();
    if (path === undefined) passWithoutChromium(context);
    else expect(await inChromium(path, bundle)).toEqual(RUN);
  });
});

describe('a runtime', () => {
  const entries = Object.keys(MANIFEST.exports).filter((subpath) => !subpath.endsWith('.json'));

  it.each(olderNodes())(
    'that is Node $version is refused at import, by its version',
    async ({ version, command, args }) => {
      const specifiers = JSON.stringify(entries.map((subpath) => join('spanflow', subpath)));
      const options = { cwd: project, environment: { NODE_OPTIONS: '' } };
      const said = await say(command, [...args, 'refused.mjs', specifiers], options);
      expect(said).toMatchObject({ code: 0 });
      const answers: unknown = JSON.parse(said.stdout);
      const sentence = `spanflow needs Node 22.19 or newer; this is Node ${version}`;
      expect(answers).toEqual(entries.flatMap(() => [sentence, sentence]));
    },
  );

  it('that is Bun gets undici itself: by its bare name, Bun has a stand-in that never answers', () => {
    const modules = packed().filter((file) => file.endsWith('.js'));
    const bare = modules.filter((file) => /['"]undici['"]/.test(readFileSync(join(installed, file), 'utf8')));
    expect(bare).toEqual([]);
  });

  it('that makes CommonJS of it, as Jest does, meets nothing that has no place there', () => {
    const modules = packed().filter((file) => file.endsWith('.js'));
    const esOnly = /\bimport\.meta\b|^(?:export )?(?:const .* = )?await\b/m;
    expect(modules.filter((file) => esOnly.test(readFileSync(join(installed, file), 'utf8')))).toEqual([]);
  });

  it.each(['esm', 'cjs'] as const)('that has one file of %s and no package exports from it', async (format) => {
    const program = readFileSync(join(ROOT, 'test', 'runtimes', 'programs', 'spans.mjs'), 'utf8');
    const alone = join(folder, 'alone');
    const file = join(alone, `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`);
    mkdirSync(alone, { recursive: true });
    writeFileSync(file, await bundled(program, project, { format }));
    const backend = await otlpBackend();
    try {
      const environment = { NODE_OPTIONS: '', OTEL_EXPORTER_OTLP_ENDPOINT: new URL('/', backend.url).href };
      const said = await say(process.execPath, [file], { cwd: alone, environment });
      expect({ ...said, spans: backend.spans }).toEqual({ code: 0, stdout: '{}\n', stderr: '', spans: 1_000 });
    } finally {
      await backend.close();
    }
  });

  it('that counts kilobytes gets at most 350 kB with RxJS, besides undici', async () => {
    const program =
      "import { otlpHttp, spanPipeline } from 'spanflow';\nexport const { processor } = spanPipeline({ sink: otlpHttp() });";
    const bundle = await bundled(program, project, { external: ['undici'] });
    expect(Buffer.byteLength(bundle)).toBeLessThanOrEqual(350_000);
  });

  it('is looked at in a bundle of a program, too', async () => {
    const input = join(project, 'bundled.mjs');
    writeFileSync(input, "export { spanPipeline } from 'spanflow';\n");
    const build = await rolldown({ input, platform: 'node', external: (id) => !/^[./]|^spanflow/.test(id) });
    const { output } = await build.generate();
    await build.close();
    expect(output.map((file) => (file.type === 'chunk' ? file.code : '')).join('')).toContain('spanflow needs Node');
  });
});

/** A row of a table that begins with the name of the package. */
function isInATable(markdown: string, name: string): boolean {
  return markdown.split('\n').some((line) => line.startsWith('|') && line.split('|')[1]?.includes(`\`${name}\``));
}

interface Answer {
  readonly specifier: string;
  readonly imported: unknown;
  readonly required: unknown;
}

async function resolve(specifiers: readonly string[]): Promise<Answer[]> {
  const said = await node(['resolve.mjs', JSON.stringify(specifiers)]);
  if (said.code !== 0) throw new Error(said.stderr);
  return JSON.parse(said.stdout) as Answer[];
}
