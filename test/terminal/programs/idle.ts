// A program that shows a display and has nothing to do.

import { createLedger } from '../../../src/index.ts';
import { statsToConsole } from '../../../src/terminal/index.ts';

const display = statsToConsole(createLedger());
process.on('exit', () => display.close());
