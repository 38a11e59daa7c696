import fc from 'fast-check';
import { Subject } from 'rxjs';
import { expect, test } from 'vitest';
import { createGate, createLedger, mergeByPriority } from '../../src/index.ts';
import { total } from '../../src/ledger/stageStats.ts';
import { randomRuns } from '../support/randomRuns.ts';

type Step =
  | { readonly kind: 'item' | 'end' | 'fail'; readonly input: number }
  | { readonly kind: 'toggle' | 'unsubscribe' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant('item' as const), input: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'toggle' } as const) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('end' as const, 'fail' as const), input: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'unsubscribe' } as const) },
);

const schedule = fc.record({
  steps: fc.array(step, { maxLength: 120 }),
  maxQueueSize: fc.integer({ min: 1, max: 8 }),
  overflow: fc.constantFrom('dropNewest' as const, 'dropOldest' as const, 'error' as const),
});

test('over random schedules the books balance, the bounds hold, each input keeps its order, and the end comes', () => {
  fc.assert(
    fc.property(schedule, ({ steps, maxQueueSize, overflow }) => {
      const [gate, ledger] = [createGate(), createLedger()];
      const inputs = Array.from({ length: 3 }, () => new Subject<{ input: number; id: number }>());
      const lastOf = [-1, -1, -1];
      let [id, isOver] = [0, false];
      let open: (() => void) | undefined;
      const end = () => {
        isOver = true;
      };
      const subscription = mergeByPriority(inputs, { gate, ledger, maxQueueSize, overflow }).subscribe({
        next: (item) => {
          expect(open, 'nothing comes while the gate is closed').toBeUndefined();
          expect(item.id).toBeGreaterThan(lastOf[item.input] as number);
          lastOf[item.input] = item.id;
        },
        error: end,
        complete: end,
      });
      const toggle = () => {
        const undo = open;
        open = undo === undefined ? gate.close() : undefined;
        undo?.();
      };
      const check = () => {
        const { offered, accepted, refused, handedOn, lost, pending, queueSize } = ledger.stats();
        expect(offered).toBe(accepted + total(refused));
        expect(accepted).toBe(handedOn + total(lost) + pending);
        expect(queueSize).toBeLessThanOrEqual(3 * maxQueueSize);
      };
      for (const action of steps) {
        if (!('input' in action)) {
          if (action.kind === 'toggle') toggle();
          else subscription.unsubscribe();
        } else if (action.kind === 'item') inputs[action.input]?.next({ input: action.input, id: id++ });
        else if (action.kind === 'end') inputs[action.input]?.complete();
        else inputs[action.input]?.error(new Error('mine'));
        check();
      }
      for (const input of inputs) input.complete();
      if (open !== undefined) toggle();
      check();
      expect(ledger.stats()).toMatchObject({ pending: 0, queueSize: 0 });
      expect(isOver || subscription.closed).toBe(true);
      expect(gate.open).toBe(true);
    }),
    randomRuns(500),
  );
});
