import { NEVER, Observable } from 'rxjs';
import { createLedger } from '../../../src/index.ts';
import { liveView, type WatchedOutcome } from '../../../src/view/index.ts';
import { holdOpen, report, timers } from './kit.ts';

const release = holdOpen();
const { stats } = createLedger();
// A page has been opened: from then on nothing but the view is left.
const outcomes$ = new Observable<WatchedOutcome>(() => {
  report('opened');
  setImmediate(release);
});
const { url } = await liveView({ stats, stats$: NEVER, outcomes$ });
const { armedBy } = await timers();
report('idle', { url, ours: armedBy.filter((whose) => whose === 'spanflow') });
