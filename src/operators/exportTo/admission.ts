import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { forwardTo, listen } from '../../listen.ts';
import type { Slots } from '../../strategies/slots.ts';
import type { Pass, ThrottleGate } from './throttleGate.ts';

/**
 * Subscribes the source when the gate is open and a slot is free, and keeps the slot until the source ends or is unsubscribed.
 *
 * The gate comes first: what it holds back takes no slot. If it closes while something waits for its slot, that goes back to the gate.
 */
export function admitted<T>(gate: ThrottleGate, slots: Slots): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      let leaveGate: () => void = () => {};
      let leaveSlots: () => void = () => {};

      const enter = () => {
        leaveGate = gate.enter((pass) => {
          let waits = true; // for its slot
          const leave = slots.acquire(() => {
            waits = false;
            if (!gate.isClosed) return start(pass);
            pass.end(false);
            slots.release();
            enter();
          });
          leaveSlots = () => {
            leave();
            if (waits) pass.end(false);
            waits = false;
          };
        });
      };

      const start = (pass: Pass) => {
        let isFine = false;
        const observer = forwardTo(subscriber);
        const complete = () => {
          isFine = true;
          subscriber.complete();
        };
        listen(source, { ...observer, complete }, subscriber);
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
