import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a display keeps no process alive, and leaves the standard output to the program', async () => {
  const program = join(import.meta.dirname, 'programs', 'idle.ts');
  const env = { ...process.env, FORCE_COLOR: undefined };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], { env, timeout: 60_000 });
  expect(stdout).toBe('');
  expect(stderr).toBe('spanflow  offered 0/s  pending 0  delivered 0/s  lost 0  in flight 0  retries 0\n');
});
