import type { Project } from './project.ts';

/** One runtime or tool. Its packages are pinned, and installed into a temporary folder. */
export interface Target {
  readonly name: string;
  /** What it needs from the user, if anything. */
  readonly needs?: string;
  readonly packages: readonly string[];
  /** Rejects where it does not run. */
  check(project: Project): Promise<unknown>;
}

export interface TargetGroup {
  readonly title: string;
  readonly targets: readonly Target[];
}

const PLATFORM = `${process.platform}-${process.arch}`;

function node(version: string): Target {
  return {
    name: `Node ${version}`,
    packages: [`node-${PLATFORM}@${version}`],
    check: async (project) => {
      const command = project.path('node_modules', `node-${PLATFORM}`, 'bin', 'node');
      await project.exports(command, ['spans.mjs']);
      await project.exports(command, ['spansWithRequire.cjs']);
    },
  };
}

const bun = (version: string): Target => ({
  name: `Bun ${version}`,
  packages: [`@oven/bun-${PLATFORM}@${version}`],
  check: (project) => project.exports(project.path('node_modules/@oven', `bun-${PLATFORM}`, 'bin/bun'), ['spans.mjs']),
});

/** Deno's packages for Linux name the C library. */
const DENO = process.platform === 'linux' ? `@deno/${PLATFORM}-glibc` : `@deno/${PLATFORM}`;

const deno = (version: string): Target => ({
  name: `Deno ${version}`,
  packages: [`${DENO}@${version}`],
  check: (project) => project.exports(project.path('node_modules', DENO, 'deno'), ['run', '--allow-all', 'spans.mjs']),
});

const ESBUILD = ['esbuild@0.28.2', `@esbuild/${PLATFORM}@0.28.2`];
const esbuild = async (project: Project, out: string, ...args: readonly string[]) => {
  const options = ['spans.mjs', '--bundle', '--minify', '--platform=node', `--outfile=out/${out}`, ...args];
  await project.run(project.path('node_modules/.bin/esbuild'), options);
  await project.bundleExports(out);
};
const REQUIRE = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

const esbuildToCommonJs: Target = {
  name: 'esbuild 0.28.2 to CommonJS',
  packages: ESBUILD,
  check: (project) => esbuild(project, 'bundle.cjs', '--format=cjs'),
};

const esbuildToModules: Target = {
  name: 'esbuild 0.28.2 to ES modules',
  needs: 'a `require` for undici, by the line below',
  packages: ESBUILD,
  check: (project) => esbuild(project, 'bundle.mjs', '--format=esm', `--banner:js=${REQUIRE}`),
};

const rollup: Target = {
  name: 'rollup 4.68.8',
  needs: 'its plugins `node-resolve` and `commonjs`',
  packages: ['rollup@4.68.8', '@rollup/plugin-node-resolve@16.0.3', '@rollup/plugin-commonjs@29.0.3'],
  check: async (project) => {
    const plugins = ['--plugin', 'node-resolve={exportConditions:["node"]}', '--plugin', 'commonjs'];
    const out = ['--format', 'es', '--inlineDynamicImports', '--file', 'out/bundle.mjs'];
    await project.tool('rollup/dist/bin/rollup', 'spans.mjs', ...plugins, ...out);
    await project.bundleExports('bundle.mjs');
  },
};

const webpack: Target = {
  name: 'webpack 5.113.0',
  packages: ['webpack@5.113.0', 'webpack-cli@7.3.1'],
  check: async (project) => {
    project.write(
      'webpack.config.cjs',
      `const { optimize } = require('webpack');
module.exports = {
  mode: 'production', target: 'node22', entry: './spans.mjs',
  output: { path: __dirname + '/out', filename: 'bundle.cjs' },
  plugins: [new optimize.LimitChunkCountPlugin({ maxChunks: 1 })],
};`,
    );
    await project.tool('webpack/bin/webpack.js');
    await project.bundleExports('bundle.cjs');
  },
};

const vite: Target = {
  name: 'vite 8.4.0 for a server',
  packages: ['vite@8.4.0'],
  check: async (project) => {
    project.write(
      'vite.config.mjs',
      `export default {
  ssr: { noExternal: true },
  build: { ssr: 'spans.mjs', outDir: 'out', rolldownOptions: { output: { entryFileNames: 'bundle.mjs', codeSplitting: false } } },
};`,
    );
    await project.tool('vite/bin/vite.js', 'build');
    await project.bundleExports('bundle.mjs');
  },
};

/** A file of tests for a runner whose `test` is imported by this line, or is there already. */
function pairsFor(importing: string): string {
  return `${importing}\nimport { sendsPairs } from './pairs.mjs';\ntest('sends pairs', sendsPairs);\n`;
}

const vitest: Target = {
  name: 'Vitest 5.1.2',
  packages: ['vitest@5.1.2'],
  check: (project) => {
    project.write('pairs.test.mjs', pairsFor("import { test } from 'vitest';"));
    return project.tool('vitest/vitest.mjs', 'run');
  },
};

const jest: Target = {
  name: 'Jest 30.5.2',
  needs: '`node --experimental-vm-modules`',
  packages: ['jest@30.5.2'],
  check: (project) => {
    project.write('pairs.test.mjs', pairsFor(''));
    project.write('jest.config.mjs', "export default { testMatch: ['**/*.test.mjs'], transform: {} };");
    const args = ['--experimental-vm-modules', project.path('node_modules/jest/bin/jest.js')];
    return project.run(process.execPath, args);
  },
};

const mocha: Target = {
  name: 'Mocha 12.0.3',
  packages: ['mocha@12.0.3'],
  check: (project) => {
    project.write('pairs.test.mjs', pairsFor("import { it as test } from 'mocha';"));
    return project.tool('mocha/bin/mocha.js', 'pairs.test.mjs');
  },
};

const nodeTest: Target = {
  name: '`node:test`',
  packages: [],
  check: (project) => {
    project.write('pairs.test.mjs', pairsFor("import { test } from 'node:test';"));
    return project.run(process.execPath, ['--test', 'pairs.test.mjs']);
  },
};

const RESOLUTIONS = [
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
];

function typescript(version: string, nodeTypes = '26.6.6'): Target {
  return {
    name: `TypeScript ${version}`,
    // The declarations of spanflow/metrics name types of the SDK.
    packages: [`typescript@${version}`, `@types/node@${nodeTypes}`, '@opentelemetry/sdk-metrics@3.1.0'],
    check: async (project) => {
      for (const resolution of RESOLUTIONS) {
        const lib = ['es2022', 'esnext.disposable'];
        const compilerOptions = { ...resolution, target: 'es2022', lib, types: ['node'], strict: true, noEmit: true };
        project.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['types.ts'] }));
        await project.tool('typescript/bin/tsc');
      }
    },
  };
}

export const GROUPS: readonly TargetGroup[] = [
  {
    title: '1,000 spans are exported',
    targets: [node('22.23.5'), node('24.22.3'), node('26.12.1'), bun('1.4.5'), deno('2.9.6')],
  },
  {
    title: 'in a bundle of one file, without `node_modules`',
    targets: [esbuildToCommonJs, esbuildToModules, rollup, webpack, vite],
  },
  { title: 'a marble test passes', targets: [vitest, jest, mocha, nodeTest] },
  {
    title: '`nodenext` and `bundler`, `skipLibCheck` off',
    targets: [typescript('5.4.5', '22.9.0'), typescript('5.9.3'), typescript('6.0.3'), typescript('7.0.2')],
  },
];
