/** Makes `dist` anew: whatever is in it comes from the present source, or it is not there. */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = new URL('../dist/', import.meta.url);

rmSync(dist, { recursive: true, force: true });

// The compiler that the lock file names, not one that happens to lie on the PATH.
const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
const { status, error, signal } = spawnSync(process.execPath, [compiler, '--project', '.tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});

if (status !== 0) {
  // Half a build must not be packed by accident.
  rmSync(dist, { recursive: true, force: true });
  console.error(`the build failed: ${error?.message ?? `tsc ended with ${signal ?? `exit code ${status}`}`}`);
  process.exit(1);
}

const files = readdirSync(dist, { recursive: true, encoding: 'utf8' });
const count = (ending: string) => files.filter((file) => file.endsWith(ending)).length;
console.log(`dist holds ${count('.js')} modules and ${count('.d.ts')} declarations`);
