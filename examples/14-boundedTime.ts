/**
 * Nothing waits for ever: a call that takes too long is aborted, and something else takes its place. `bounds: 'first'` is for streams that may take long as a whole, but have to begin.
 *
 *     node examples/14-boundedTime.ts
 */
import { catchError, concat, defer, lastValueFrom, Observable, of, retry, timer, toArray } from 'rxjs';
import { raceTimeout } from 'spanflow';

/** A request to a service that has stopped to answer. Unsubscribing aborts it. */
const price$ = new Observable<string>(() => {
  console.log('asked for the price');
  return () => console.log('the request was aborted');
});

// The whole is bounded: two attempts, and then yesterday's price.
const price = await lastValueFrom(
  price$.pipe(
    raceTimeout({ millis: 50, what: 'the price service' }),
    retry(1),
    catchError((error) => of(`yesterday's price, because ${error.message}`)),
  ),
);
console.log(price);

// Only the first value is bounded: this one comes at once, and the rest may take its time.
const news$ = concat(
  of('first'),
  defer(() => timer(200)),
);
const news = await lastValueFrom(news$.pipe(raceTimeout({ millis: 100, bounds: 'first' }), toArray()));
console.log(`${news.length} pieces of news`);

// A promise cannot be unsubscribed. What it waits for can be aborted, by a signal.
const asked = new AbortController();
const answer$ = new Observable<string>((subscriber) => {
  fetchLike(asked.signal).then(
    (text) => subscriber.next(text),
    (error) => subscriber.error(error),
  );
  return () => asked.abort();
});
console.log(
  await lastValueFrom(
    answer$.pipe(
      raceTimeout({ millis: 20 }),
      catchError(() => of('no answer')),
    ),
  ),
);
console.log(`its signal is aborted: ${asked.signal.aborted}`);
process.exitCode = asked.signal.aborted ? 0 : 1;

async function fetchLike(signal: AbortSignal): Promise<string> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}
