// Each entry imports this module first. In an older Node, the import would otherwise fail in a dependency, with an error that does not mention versions. A browser, which has no Node, shares modules with it.

const MAJOR = 22;
const MINOR = 19;

const versions: Readonly<Record<string, string | undefined>> = globalThis.process?.versions ?? {};
const [major = 0, minor = 0] = (versions.node ?? '').split('.').map(Number);
if (versions.node !== undefined && (major < MAJOR || (major === MAJOR && minor < MINOR))) {
  throw new Error(`spanflow needs Node ${MAJOR}.${MINOR} or newer; this is ${runtimeName()}`);
}

/** Bun and Deno report the version of Node that they are compatible with. */
function runtimeName(): string {
  const other = (['bun', 'deno'] as const).find((name) => versions[name] !== undefined);
  if (other === undefined) return `Node ${versions.node}`;
  return `${other === 'bun' ? 'Bun' : 'Deno'} ${versions[other]}, which passes for Node ${versions.node}`;
}
