import { Subject, Subscriber, Subscription } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { EndOfStream } from '../../src/flow/endOfStream.ts';

function setUp() {
  const seen: string[] = [];
  const state = { isDone: false };
  const subscriber = new Subscriber<never>({
    next: () => {},
    error: (thrown: unknown) => seen.push(`error ${thrown}`),
    complete: () => seen.push('complete'),
  });
  const end = new EndOfStream(subscriber, {
    isDone: () => state.isDone,
    leaveSource: () => seen.push('leave'),
    drain: (kind) => seen.push(`drain ${kind}`),
    hold: () => {
      seen.push('hold');
      return new Subscription(() => seen.push('release'));
    },
  });
  return { end, seen, state };
}

describe('EndOfStream', () => {
  test('completes when nothing is left, and holds the process until then', () => {
    const { end, seen, state } = setUp();
    const source = new Subject<never>();
    end.follow(source, () => {}, new Subscription());
    source.complete();
    end.check();
    expect([end.hasBegun, seen]).toEqual([true, ['drain complete', 'hold']]);
    state.isDone = true;
    end.check();
    expect(seen.slice(2)).toEqual(['complete', 'release']);
  });

  test('leaves the source before an error of its own, and drains before the error', () => {
    const { end, seen, state } = setUp();
    state.isDone = true;
    end.error('full');
    expect(seen).toEqual(['leave', 'drain error', 'error full']);
  });

  test('ends as the first end says', () => {
    const { end, seen, state } = setUp();
    end.complete();
    end.error('late');
    state.isDone = true;
    end.check();
    expect(seen.filter((what) => !what.startsWith('drain'))).toEqual(['hold', 'complete', 'release']);
  });

  test('does not end before an end has begun', () => {
    const { end, seen, state } = setUp();
    state.isDone = true;
    end.check();
    expect([end.hasBegun, seen]).toEqual([false, []]);
  });
});
