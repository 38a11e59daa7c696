import { Observable, Subscription } from 'rxjs';
import { subscribeInto } from '../../internal/subscribeInto.ts';

/**
 * Subscribes the sources that `next` returns, one after another, until it returns `undefined`; then it completes. It emits nothing.
 *
 * It is a loop and no recursion, so that a thousand sources that end synchronously need no more stack than one.
 */
export function inTurn(next: () => Observable<unknown> | undefined): Observable<never> {
  return new Observable((subscriber) => {
    let running = false; // the loop below
    let ended = true; // the present source

    const goOn = () => {
      ended = true;
      if (running) return;
      running = true;
      while (ended && !subscriber.closed) {
        ended = false;
        begin();
      }
      running = false;
    };

    const begin = () => {
      let source: Observable<unknown> | undefined;
      try {
        source = next();
      } catch (thrown) {
        return subscriber.error(thrown);
      }
      if (source === undefined) return subscriber.complete();
      const run = new Subscription();
      subscriber.add(run);
      const complete = () => {
        subscriber.remove(run);
        run.unsubscribe();
        goOn();
      };
      subscribeInto(source, { error: (thrown) => subscriber.error(thrown), complete }, run);
    };

    goOn();
  });
}
