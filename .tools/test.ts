/**
 * `npm test`: types, lint and format, then every test, each with its own line; the last line counts them all.
 * What comes after `--` goes to Vitest: `npm test -- marble-tests`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numFailedTestSuites: number;
  readonly success: boolean;
}

let passed = 0;
let failed = 0;

function run(title: string, command: string, ...args: readonly string[]): boolean {
  console.log(`\n── ${title}`);
  // The repository's own tools and Node, also where this was not started by npm.
  const path = `${join(import.meta.dirname, '..', 'node_modules', '.bin')}:${process.env.PATH}`;
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, PATH: path } });
  if (error !== undefined) console.error(error.message);
  return status === 0;
}

function count(succeeded: boolean): void {
  if (succeeded) passed += 1;
  else failed += 1;
}

function runTests(folder: string): void {
  const report = join(folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const succeeded = run(
    'tests',
    'vitest',
    'run',
    '--config',
    '.vitest.config.ts',
    ...reporters,
    ...process.argv.slice(2),
  );
  const results = JSON.parse(readFileSync(report, 'utf8')) as VitestReport;
  passed += results.numPassedTests;
  failed += results.numFailedTests;
  // A test that is left out is a hole that nobody sees.
  const leftOut = results.numPendingTests + results.numTodoTests;
  if (leftOut > 0) console.error(`${leftOut} tests were left out, and count as failed`);
  failed += leftOut;
  // A file that cannot be loaded, or an error outside of all tests, has no test to be counted by.
  if (!succeeded && results.numFailedTests + leftOut === 0) failed += Math.max(1, results.numFailedTestSuites);
}

const folder = mkdtempSync(join(tmpdir(), 'spanflow-test-'));
try {
  count(run('types', 'tsc'));
  count(run('types of the page', 'tsc', '--project', '.tsconfig.page.json'));
  count(run('lint and format', 'biome', 'check', '--error-on-warnings'));
  runTests(folder);
} catch (error) {
  console.error(error);
  failed += 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
