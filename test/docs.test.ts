import { execFile } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import * as operators from 'rxjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as spanflow from '../src/index.ts';
import { entries, ROOT } from './docs/entries.ts';

/** Inside the repository, so that packages are found; never committed. */
const FOLDER = join(ROOT, '.docs-check');

/** The kit has examples of another kind, which also run: `test/testing/readme.test.ts`. */
const isOfKit = (path: string) => path.startsWith('src/testing');

/** The functions of each entry but the kit; a name that several have, only with the first. */
const functions = new Map<string, string[]>();
for (const { name, path } of entries().filter((entry) => !isOfKit(entry.path))) {
  const known = [...functions.values()].flat();
  const exported = Object.entries((await import(join(ROOT, path))) as object);
  const values = exported.filter(([, value]) => typeof value === 'function').map(([value]) => value);
  const own = values.filter((value) => !known.includes(value));
  if (own.length > 0) functions.set(name, own);
}

const isError = (name: string) => name.endsWith('Error');

/** What an `@example` may take for granted, besides everything that RxJS and the entries of spanflow export. */
const GIVEN = `
import { trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, type MetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { ReadableLogRecord } from 'spanflow/otlp';
import { readFile } from 'node:fs/promises';
import type { Batch, Sink } from 'spanflow';
declare const input: ReturnType<typeof fromSpanProcessor>;
declare const sink: Sink<ReadableSpan>;
declare const batch: Batch<ReadableSpan>;
declare const reader: MetricReader;
declare const spans$: Observable<ReadableSpan>;
declare const spans: ReadableSpan[];
declare const records: ReadableLogRecord[];
declare function token(): Promise<string>;
declare function spansOfAFile(): AsyncIterable<ReadableSpan>;
`;

interface Snippet {
  readonly where: string;
  readonly code: string;
}

/** The programs of every page. */
function fencesOf(page: string): Snippet[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match, index) => ({
    where: `${page}, fence ${index + 1}`,
    code: match[1] ?? '',
  }));
}

function examplesOf(path: string): Snippet[] {
  const text = readFileSync(path, 'utf8');
  const blocks = [...text.matchAll(/@example\n \* ```ts\n([\s\S]*?) \* ```/g)];
  return blocks.map((match, index) => {
    const code = (match[1] ?? '').replaceAll(/^ \* ?/gm, '');
    return { where: `${relative(ROOT, path)}, example ${index + 1}`, code: inFunction(code) };
  });
}

/** An example sees everything that is exported, unless it declares the name itself. */
function inFunction(code: string): string {
  const own = [...functions].map(([entry, names]) => `import { ${names.join(', ')} } from '${entry}';`);
  const imports = [...own, `import { ${Object.keys(operators).join(', ')} } from 'rxjs';`].join('\n');
  return `${imports}${GIVEN}export async function example() {\n${code}\n}\n`;
}

const pages = globSync(['*.md', '{src,marble-tests,examples}/**/*.md'], { cwd: ROOT }).filter((path) => !isOfKit(path));
const sources = globSync('src/**/*.ts', { cwd: ROOT }).filter((path) => !isOfKit(path));
const snippets = [...pages.sort().flatMap(fencesOf), ...sources.flatMap((path) => examplesOf(join(ROOT, path)))];

/** The package is its sources there, by the condition in tsconfig.json. */
function writeProject(): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  for (const [index, { code }] of snippets.entries()) writeFileSync(join(FOLDER, `snippet${index}.ts`), code);
  const config = {
    extends: '../tsconfig.json',
    compilerOptions: { noUnusedLocals: false },
    include: ['./*.ts'],
    exclude: [],
  };
  writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(config));
}

describe('what the docs show', () => {
  let complaints = '';

  beforeAll(async () => {
    writeProject();
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    await promisify(execFile)(process.execPath, [compiler, '-p', FOLDER]).catch(({ stdout }: { stdout: string }) => {
      complaints = stdout;
    });
  });

  afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

  test.each(snippets.map(({ where }, index) => [where, index] as const))('%s compiles', (_where, index) => {
    const own = complaints.split('\n').filter((line) => line.includes(`snippet${index}.ts(`));
    expect(own).toEqual([]);
  });

  test('nothing else is wrong with them', () => {
    expect(
      complaints.split('\n').filter((line) => line !== '' && !/snippet\d+\.ts\(/.test(line) && !line.startsWith(' ')),
    ).toEqual([]);
  });

  test.each([...functions])('every function of %s has an example, or is shown in one', (_entry, names) => {
    const shown = snippets.map(({ code }) => code.replaceAll(/^import .*$/gm, '')).join('\n');
    const isShown = (name: string) => new RegExp(`\\b${name}(<[^>]*>)?\\(`).test(shown);
    expect(names.filter((name) => !isError(name) && !isShown(name))).toEqual([]);
  });

  test('the README names every function of spanflow', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const names = Object.entries(spanflow).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
    expect(names.filter((name) => !isError(name) && !readme.includes(name))).toEqual([]);
  });

  test('the README says the defaults that hold', async () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const { ADAPTIVE_BATCH_DEFAULTS } = await import('../src/operators/adaptiveBatch/options.ts');
    const { RETRY_DEFAULTS } = await import('../src/operators/exportTo/options.ts');
    const { SPAN_PIPELINE_DEFAULTS } = await import('../src/pipelines/spanPipeline/options.ts');
    expect(readme).toContain(`\`maxQueueSize\` (${ADAPTIVE_BATCH_DEFAULTS.maxQueueSize.toLocaleString('en')})`);
    expect(readme).toContain(`\`maxQueueBytes\` (${ADAPTIVE_BATCH_DEFAULTS.maxQueueBytes / 2 ** 20} MiB)`);
    expect(readme).toContain(`\`maxElapsedMillis\` (${RETRY_DEFAULTS.maxElapsedMillis / 60_000} minutes)`);
    expect(readme).toContain(`\`exitDeadlineMillis\`, ${SPAN_PIPELINE_DEFAULTS.exitDeadlineMillis / 1_000} s`);
  });

  test('the version is that of the package', async () => {
    const { VERSION } = await import('../src/internal/version.ts');
    expect(VERSION).toBe((JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version);
  });
});
