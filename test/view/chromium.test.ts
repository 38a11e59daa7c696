import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

test('a run without Chromium says once how many tests have not looked at a browser', async () => {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--config', '.vitest.config.ts', 'test/view/browser.test.ts'];
  const env = { ...process.env, SPANFLOW_CHROMIUM: '/nowhere' };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
  const told = `${stdout}${stderr}`.match(/^NO CHROMIUM .*/gm);
  expect(told).toHaveLength(1);
  expect(told?.[0]).toMatch(/ at \/nowhere: [1-9]\d* tests that need a browser have NOT run, and count as passed\./);
});
