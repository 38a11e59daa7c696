// The repository brings its own Node as a development dependency. When its install script did not run, npm scripts
// fall back to the machine's Node, which may be too old to run TypeScript: say so instead of failing on a syntax error.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `spanflow needs Node 22.19 or newer, and this is ${process.versions.node}. The development dependency "node" brings 26, ` +
      'but its install script has not run: try "npm rebuild node", or "npm ci" with scripts allowed.',
  );
  process.exit(1);
}
