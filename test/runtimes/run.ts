/**
 * `npm run runtimes`: packs the tarball, installs it into an empty project for each runtime, bundler, test runner and compiler, and runs a small program there. It prints the table of the README.
 * `npm run runtimes -- bun` runs those whose name contains that, `npm run runtimes -- recipes` those of `examples/recipes`. Tools come from the package registry, pinned, into a temporary folder that is removed at the end.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from '../package/installed.ts';
import { projectWith } from './project.ts';
import { RECIPES } from './recipes.ts';
import { GROUPS, type Target } from './targets.ts';

const asked = process.argv[2]?.toLowerCase() ?? '';
const folder = mkdtempSync(join(tmpdir(), 'spanflow-runtimes-'));
const rows: string[] = [];

/** What went wrong, or `undefined`. */
async function faultOf(target: Target, tarball: string): Promise<string | undefined> {
  const place = join(folder, target.name.replaceAll(/\W+/g, '-'));
  try {
    await target.check(await projectWith(place, tarball, target.packages));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** `Node 22, 24` for `Node 22, Node 24`. */
function listed(names: readonly string[]): string {
  const tools = names.map((name) => name.split(' ')[0]);
  return names
    .map((name, index) =>
      /^\w+ [\d.]+$/.test(name) && tools[index] === tools[index - 1] ? (name.split(' ')[1] ?? '') : name,
    )
    .join(', ');
}

const nameIn = ({ name, needs }: Target): string => (needs === undefined ? name : `${name} (needs ${needs})`);

try {
  const tarball = await pack(folder);
  for (const { title, targets } of [...GROUPS, ...RECIPES]) {
    const passed: string[] = [];
    for (const target of targets.filter(({ name }) => name.toLowerCase().includes(asked))) {
      const fault = await faultOf(target, tarball);
      console.error(
        `${fault === undefined ? 'runs' : 'FAILS'}  ${target.name}${fault === undefined ? '' : `\n${fault}`}`,
      );
      if (fault === undefined) passed.push(nameIn(target));
      else {
        rows.push(`| ${target.name} | **does not run** |`);
        process.exitCode = 1;
      }
    }
    if (passed.length > 0) rows.push(`| ${listed(passed)} | ${title} |`);
  }
  console.log(['', '| | |', '|---|---|', ...rows].join('\n'));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
