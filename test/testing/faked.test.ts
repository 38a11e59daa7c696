import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('a kit that was loaded under fake timers works after the timers of the host are restored', async () => {
  const program = join(import.meta.dirname, 'programs', 'faked.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program], { env: {} });
  expect(stdout).toMatch(/^the run has ended; the backend waited 1 ms, and had 0 /);
});
