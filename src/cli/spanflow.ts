#!/usr/bin/env node
/** The command `spanflow`. */
import '../internal/requireNode.ts';
import { runCommand } from './runCommand.ts';

// Without a top-level await, for which the bundler would take the check of Node's version out of its module.
runCommand(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
