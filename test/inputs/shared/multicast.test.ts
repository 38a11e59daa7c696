import fc from 'fast-check';
import { type Observable, Subject, type Subscription } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { Multicast } from '../../../src/inputs/shared/multicast.ts';
import { randomRuns } from '../../support/randomRuns.ts';

interface Hot {
  readonly observed: boolean;
  next(value: number): void;
  complete(): void;
  error(error: unknown): void;
}

/** What a listener does when a value comes. */
type Reaction = 'nothing' | 'leaves' | 'sends its neighbour away' | 'brings another' | 'completes';
type Step =
  | { readonly do: 'subscribe'; readonly reaction: Reaction }
  | { readonly do: 'unsubscribe'; readonly which: number }
  | { readonly do: 'next'; readonly value: number }
  | { readonly do: 'complete' | 'error' };

const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('subscribe' as const),
      reaction: fc.constantFrom<Reaction>(
        'nothing',
        'leaves',
        'sends its neighbour away',
        'brings another',
        'completes',
      ),
    }),
    fc.record({ do: fc.constant('unsubscribe' as const), which: fc.nat(5) }),
    { weight: 3, arbitrary: fc.record({ do: fc.constant('next' as const), value: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('complete' as const, 'error' as const) }) },
  ),
  { maxLength: 30 },
);

/** Everything that listeners hear, in its order, and whether somebody listens after each step. */
function heard(hot: Hot, values$: Observable<number>, script: readonly Step[]): string[] {
  const log: string[] = [];
  const subscriptions: Subscription[] = [];
  const listen = (reaction: Reaction): void => {
    const own = subscriptions.length;
    const hears = (what: string) => log.push(`${own} hears ${what}`);
    const subscription = values$.subscribe({
      next: (value) => {
        hears(String(value));
        if (reaction === 'leaves') subscriptions[own]?.unsubscribe();
        if (reaction === 'sends its neighbour away') subscriptions[own + 1]?.unsubscribe();
        if (reaction === 'brings another' && subscriptions.length < 20) listen('nothing');
        if (reaction === 'completes') hot.complete();
      },
      error: (error) => hears(`error ${error}`),
      complete: () => hears('completion'),
    });
    subscriptions[own] = subscription;
  };
  for (const step of script) {
    if (step.do === 'subscribe') listen(step.reaction);
    else if (step.do === 'unsubscribe') subscriptions[step.which]?.unsubscribe();
    else if (step.do === 'next') hot.next(step.value);
    else if (step.do === 'complete') hot.complete();
    else hot.error('broken');
    log.push(`observed: ${hot.observed}`);
  }
  return log;
}

describe('Multicast', () => {
  test('does what a Subject does, while listeners subscribe and unsubscribe', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const subject = new Subject<number>();
        const multicast = new Multicast<number>();
        expect(heard(multicast, multicast.values$, script)).toEqual(heard(subject, subject, script));
      }),
      randomRuns(2_000),
    );
  });
});
