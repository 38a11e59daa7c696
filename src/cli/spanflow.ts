#!/usr/bin/env node
/** The command `spanflow`. */
import '../internal/requireNode.ts';
import { runCommand } from './runCommand.ts';

process.exitCode = await runCommand(process.argv.slice(2));
