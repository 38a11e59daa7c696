import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { otlpBackend } from '../../src/testing/index.ts';
import { MANIFEST, type SayOptions, say } from '../package/installed.ts';

const PROGRAMS = join(import.meta.dirname, 'programs');
const BESIDE = ['rxjs', '@opentelemetry/api', '@opentelemetry/sdk-trace'].map(
  (name) => `${name}@${MANIFEST.devDependencies?.[name]}`,
);
const BOUND_MILLIS = 180_000;
/** As many as `programs/spans.mjs` exports. */
const SPANS = 1_000;

/** A project of a user, in a temporary folder: the tarball, its peers, and the tools of one target. */
export class Project {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  write(file: string, content: string): void {
    writeFileSync(this.path(file), content);
  }

  /** Runs a command, which must succeed. */
  async run(command: string, args: readonly string[], options: Partial<SayOptions> = {}): Promise<string> {
    const said = await say(command, args, { cwd: this.folder, boundMillis: BOUND_MILLIS, ...options });
    if (said.code !== 0) throw new Error(lastLines(`${said.stdout}\n${said.stderr}`));
    return said.stdout;
  }

  /** Runs the JavaScript of an installed package, in the Node of this repository. */
  tool(script: string, ...args: readonly string[]): Promise<string> {
    return this.run(process.execPath, [this.path('node_modules', script), ...args]);
  }

  /** Runs a program that exports spans, and counts those that arrive. */
  async exports(command: string, args: readonly string[], cwd = this.folder): Promise<void> {
    const backend = await otlpBackend();
    try {
      const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: new URL('/', backend.url).href, NODE_OPTIONS: '' };
      const said = await this.run(command, args, { cwd, environment, boundMillis: 60_000 });
      if (backend.spans !== SPANS) throw new Error(`${backend.spans} of ${SPANS} spans arrived: ${lastLines(said)}`);
    } finally {
      await backend.close();
    }
  }

  /** The same for a bundle, which is moved to where no package is. */
  async bundleExports(file: string): Promise<void> {
    const alone = mkdtempSync(join(tmpdir(), 'spanflow-bundle-'));
    try {
      cpSync(this.path('out', file), join(alone, file));
      await this.exports(process.execPath, [join(alone, file)], alone);
    } finally {
      rmSync(alone, { recursive: true, force: true });
    }
  }
}

/** Installs without install scripts: what they fetch is not pinned. */
export async function projectWith(folder: string, tarball: string, packages: readonly string[]): Promise<Project> {
  const project = new Project(folder);
  mkdirSync(folder, { recursive: true });
  project.write('package.json', JSON.stringify({ name: 'user', private: true, type: 'module' }));
  const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--save-exact'];
  await project.run('npm', [...args, tarball, ...BESIDE, ...packages]);
  cpSync(PROGRAMS, folder, { recursive: true });
  return project;
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-12).join('\n');
}
