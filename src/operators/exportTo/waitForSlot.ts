import { type MonoTypeOperatorFunction, Observable, Subscription } from 'rxjs';
import type { Slots } from '../../flow/slots.ts';
import { forwardTo, subscribeInto } from '../../internal/subscribeInto.ts';
import type { Pass, ThrottleGate } from './throttleGate.ts';

/**
 * Subscribes the source when the gate is open and a slot is free, and keeps the slot until the source ends or is unsubscribed.
 *
 * The gate comes first: what it holds back takes no slot. If the gate closes during the wait for a slot, the wait begins again at the gate.
 *
 * @param hold keeps the process alive during the wait at a closed gate, which has an end
 */
export function waitForSlot<T>(
  gate: ThrottleGate,
  slots: Slots,
  hold: () => Subscription,
): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      let leaveGate: () => void = () => {};
      let leaveSlots: () => void = () => {};

      const enter = () => {
        const held = gate.isClosed ? hold() : Subscription.EMPTY;
        const leave = gate.enter((pass) => {
          held.unsubscribe();
          let waits = true; // for its slot
          const leaveLine = slots.acquire(() => {
            waits = false;
            if (!gate.isClosed) return start(pass);
            pass.end(false);
            slots.release();
            enter();
          });
          leaveSlots = () => {
            leaveLine();
            if (waits) pass.end(false);
            waits = false;
          };
        });
        leaveGate = () => {
          held.unsubscribe();
          leave();
        };
      };

      const start = (pass: Pass) => {
        let isFine = false;
        const observer = forwardTo(subscriber);
        const complete = () => {
          isFine = true;
          subscriber.complete();
        };
        subscribeInto(source, { ...observer, complete }, subscriber);
        // Added last, so that they come last: the attempt is torn down before the next one starts.
        subscriber.add(() => {
          slots.release();
          pass.end(isFine);
        });
      };

      subscriber.add(() => {
        leaveGate();
        leaveSlots();
      });
      enter();
    });
}
