import { join } from 'node:path';
import { rolldown } from 'rolldown';

export interface BundleOptions {
  /** Packages that stay outside. Default: none. */
  readonly external?: readonly string[];
  readonly format?: 'esm' | 'cjs';
  /** Default `true`. Profiles of what is not minified have names. */
  readonly minify?: boolean;
}

/** A program and all that it imports, with the packages of a folder, in one file, as a bundler of a user makes it. */
export async function bundled(program: string, root: string, options: BundleOptions = {}): Promise<string> {
  const { external = [], format = 'esm', minify = true } = options;
  const entry = join(root, 'program.mjs'); // which is not there
  const build = await rolldown({
    cwd: root,
    input: entry,
    platform: 'node',
    external: (id) => id.startsWith('node:') || external.some((name) => id === name || id.startsWith(`${name}/`)),
    plugins: [
      {
        name: 'program',
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? program : undefined),
      },
    ],
  });
  const { output } = await build.generate({ format, minify, codeSplitting: false });
  await build.close();
  return output[0].code;
}
