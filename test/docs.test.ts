import { execFile } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import * as operators from 'rxjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as spanflow from '../src/index.ts';

const ROOT = join(import.meta.dirname, '..');
/** Inside the repository, so that packages are found; never committed. */
const FOLDER = join(ROOT, '.docs-check');

/** What an `@example` may take for granted, besides everything that spanflow and RxJS export. */
const GIVEN = `
import { trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { decodeLogs, decodeTraces, encodeLogs, encodeTraces, type ReadableLogRecord } from 'spanflow/otlp';
import { statsToConsole } from 'spanflow/terminal';
import { liveView } from 'spanflow/view';
import type { MetricReader } from '@opentelemetry/sdk-metrics';
import { readFile } from 'node:fs/promises';
import type { Batch, Sink } from 'spanflow';
declare const input: ReturnType<typeof fromSpanProcessor>;
declare const sink: Sink<ReadableSpan>;
declare const batch: Batch<ReadableSpan>;
declare const spans$: Observable<ReadableSpan>;
declare const spans: ReadableSpan[];
declare const records: ReadableLogRecord[];
declare const reader: MetricReader;
declare function token(): Promise<string>;
declare function spansOfAFile(): AsyncIterable<ReadableSpan>;
`;

interface Snippet {
  readonly where: string;
  readonly code: string;
}

function readmeFences(): Snippet[] {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map((match, index) => ({
    where: `README.md, fence ${index + 1}`,
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
  const names = (module: object) => Object.keys(module).join(', ');
  const imports = `import { ${names(spanflow)} } from 'spanflow';\nimport { ${names(operators)} } from 'rxjs';\n`;
  return `${imports}${GIVEN}export async function example() {\n${code}\n}\n`;
}

const sources = globSync('src/**/*.ts', { cwd: ROOT }).filter((path) => !path.startsWith('src/testing'));
const snippets = [...readmeFences(), ...sources.flatMap((path) => examplesOf(join(ROOT, path)))];

function writeProject(): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  for (const [index, { code }] of snippets.entries()) writeFileSync(join(FOLDER, `snippet${index}.ts`), code);
  const paths = {
    spanflow: ['../src/index.ts'],
    'spanflow/otlp': ['../src/otlp/index.ts'],
    'spanflow/terminal': ['../src/terminal/index.ts'],
    'spanflow/testing': ['../src/testing/index.ts'],
    'spanflow/view': ['../src/view/index.ts'],
  };
  const config = {
    extends: '../tsconfig.json',
    compilerOptions: { paths, noUnusedLocals: false },
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

  test('every public function has an example, or is shown in one', () => {
    const shown = snippets.map(({ code }) => code.replaceAll(/^import .*$/gm, '')).join('\n');
    const functions = Object.entries(spanflow).filter(
      ([name, value]) => typeof value === 'function' && !/Error$/.test(name),
    );
    expect(
      functions.map(([name]) => name).filter((name) => !new RegExp(`\\b${name}(<[^>]*>)?\\(`).test(shown)),
    ).toEqual([]);
  });

  test('the README names every public function, and links to files that are there', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const functions = Object.entries(spanflow).filter(
      ([name, value]) => typeof value === 'function' && !/Error$/.test(name),
    );
    expect(functions.map(([name]) => name).filter((name) => !readme.includes(name))).toEqual([]);
    for (const [, link] of readme.matchAll(/\]\(([^)]+)\)/g))
      expect(() => readFileSync(join(ROOT, link ?? ''))).not.toThrow();
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
