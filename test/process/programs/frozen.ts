/** A program that stands still in the midst of a wait: it stops itself, and somebody else lets it go on. */
import { NEVER } from 'rxjs';
import { monotonicScheduler, raceTimeout } from '../../../src/index.ts';
import { input, report } from './kit.ts';

const { stands } = input<{ stands: boolean }>();
const since = monotonicScheduler.now();
const over = () => report('over', { millis: monotonicScheduler.now() - since });
NEVER.pipe(raceTimeout({ millis: 500 })).subscribe({ error: over });
report('waiting', { pid: process.pid });
if (stands) process.kill(process.pid, 'SIGSTOP');
