import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const KIT = join(ROOT, 'src', 'testing');
/** Inside the repository, so that packages are found; never committed. */
const FOLDER = join(import.meta.dirname, '.docs-check');

const run = promisify(execFile);

/** The imports that an `@example` leaves out. A program of the README has its own. */
const GIVEN = `import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { bufferTime, firstValueFrom, timer } from 'rxjs';
import { adaptiveBatch, exportTo } from 'spanflow';
import { marbles, otlpBackend, virtualTime } from 'spanflow/testing';
import { pipelineLaws } from 'spanflow/testing/laws';
`;

interface Program {
  readonly where: string;
  readonly code: string;
}

function readmePrograms(): Program[] {
  const readme = readFileSync(join(KIT, 'README.md'), 'utf8');
  const fences = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)];
  return fences.map(([, code = ''], index) => ({ where: `README.md, program ${index + 1}`, code }));
}

function examplesOf(path: string): Program[] {
  const blocks = readFileSync(path, 'utf8').matchAll(/@example\n \* ```ts\n(.*?) \* ```/gs);
  return [...blocks].map(([, block = '']) => {
    return { where: relative(ROOT, path), code: GIVEN + block.replaceAll(/^ \* ?/gm, '') };
  });
}

/** A program that imports from the source, because the package is not installed in this repository. */
function fromSource(code: string): string {
  const entries = {
    ...{ 'spanflow/testing/laws': 'testing/laws', 'spanflow/testing': 'testing' },
    ...{ 'spanflow/processors': 'processors', spanflow: '.' },
  };
  return Object.entries(entries).reduce(
    (changed, [name, folder]) => changed.replace(`'${name}'`, `'${join('../../../src', folder, 'index.ts')}'`),
    `${code}\nexport {};\n`,
  );
}

const programs = [
  ...readmePrograms(),
  ...globSync('**/*.ts', { cwd: KIT })
    .sort()
    .flatMap((path) => examplesOf(join(KIT, path))),
];

describe('the programs of the docs', () => {
  let complaints: readonly string[] = [];

  beforeAll(async () => {
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER);
    for (const [index, { code }] of programs.entries()) {
      writeFileSync(join(FOLDER, `program${index}.ts`), fromSource(code));
    }
    const config = { extends: '../../../tsconfig.json', include: ['./*.ts'], exclude: [] };
    writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    await run(process.execPath, [compiler, '-p', FOLDER]).catch(({ stdout }: { stdout: string }) => {
      complaints = stdout.split('\n');
    });
  });

  afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

  test('are complete', () => {
    expect(programs.map(({ where }) => where)).toEqual([
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => `README.md, program ${number}`),
      ...['backend/otlpBackend.ts', 'laws/laws.ts', 'marbleTest/marbles.ts', 'time/virtualTime.ts'].map(
        (file) => `src/testing/${file}`,
      ),
    ]);
  });

  const cases = programs.map(({ where }, index) => [where, `program${index}.ts`] as const);

  test.each(cases)('%s compiles', (_where, file) => {
    expect(complaints.filter((line) => line.includes(`${file}(`))).toEqual([]);
  });

  test('are checked by the compiler', () => {
    // Messages without a file are about the compiler's options, or about files that it does not find.
    expect(complaints.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  test.each(cases)('%s runs', async (_where, file) => {
    const env = { SPANFLOW_DIAGRAMS: 'write' };
    await run(process.execPath, [file], { cwd: FOLDER, env, timeout: 150_000, killSignal: 'SIGKILL' });
  });

  test('write the diagram that they draw', () => {
    expect(existsSync(join(FOLDER, 'marble-tests', 'diagrams', 'concat.svg'))).toBe(true);
  });
});
