import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Compiles the shim. Returns why it cannot, if it cannot. */
export function compileShim(path: string): string | undefined {
  if (process.platform !== 'linux') return `LD_PRELOAD is for Linux, and this is ${process.platform}`;
  const source = fileURLToPath(new URL('shim.c', import.meta.url));
  const { status, error, stderr } = spawnSync('cc', ['-O2', '-Wall', '-shared', '-fPIC', '-o', path, source, '-ldl'], {
    encoding: 'utf8',
  });
  if (error !== undefined) return `there is no compiler: ${error.message}`;
  return status === 0 ? undefined : stderr;
}
