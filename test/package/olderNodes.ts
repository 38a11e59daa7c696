import { execFileSync, type StdioOptions } from 'node:child_process';
import { delimiter, join } from 'node:path';

/** A Node that is too old, and what to start it with. */
export interface OlderNode {
  readonly version: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** The Node of this test that says it were an older one: on every machine there is this one. */
const PRETENDED: OlderNode = {
  version: '22.18.0',
  command: process.execPath,
  args: ['--import', 'data:text/javascript,Object.defineProperty(process.versions, "node", { value: "22.18.0" })'],
};

/** The real ones that lie on the `PATH` come too. They lack what the pretended one has: builtin functions, and so names that cannot be imported. */
export function olderNodes(): readonly OlderNode[] {
  const commands = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  const found = commands.flatMap((command): OlderNode[] => {
    const version = versionOf(command);
    const [major = 0, minor = 0] = version.split('.').map(Number);
    // Before 20.19, `require` takes no ES modules, and says so.
    const isOlder = (major === 22 && minor < 19) || major === 21 || (major === 20 && minor >= 19);
    return isOlder ? [{ version, command, args: [] }] : [];
  });
  const versions = new Map(found.map((node) => [node.version, node]));
  return [PRETENDED, ...versions.values()];
}

function versionOf(command: string): string {
  try {
    const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
    return execFileSync(command, ['-p', 'process.versions.node'], { encoding: 'utf8', stdio }).trim();
  } catch {
    return '';
  }
}
