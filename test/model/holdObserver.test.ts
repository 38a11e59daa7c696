import { describe, expect, it } from 'vitest';
import { type HoldObserver, holdObserver, observeHolds } from '../../src/model/holdObserver.ts';

const observer = (): HoldObserver => ({ onHold() {}, onSettled() {}, onExpired() {} });

describe('the observer of holds', () => {
  it('is absent until one is installed, and again after its removal', () => {
    expect(holdObserver()).toBeUndefined();
    const own = observer();
    const remove = observeHolds(own);
    expect(holdObserver()).toBe(own);
    remove();
    expect(holdObserver()).toBeUndefined();
  });

  it('stays when an earlier one is removed late', () => {
    const removeFirst = observeHolds(observer());
    const second = observer();
    const removeSecond = observeHolds(second);
    removeFirst();
    expect(holdObserver()).toBe(second);
    removeSecond();
  });
});
