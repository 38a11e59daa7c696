import { expect, test } from 'vitest';
import { createLedger } from '../../src/index.ts';
import type { Account } from '../../src/ledger/account.ts';
import { DrainBooks, sumOfDrained } from '../../src/relay/stats/drainBooks.ts';

/** Items that a stage loses, as stages do: in its books, and told. */
function lose(account: Account, count: number): void {
  account.accept(count);
  account.lose(count, 'shutdown');
  account.tellLoss({ count, reason: 'shutdown', stage: account.stage });
}

test('losses are told by place, from the beginning of the drain to its end; those of a best-effort route are not in the whole', () => {
  const ledger = createLedger();
  const front = ledger.open('batch', 'rebatch(traces)');
  const main = ledger.route('main(traces)').open('sink', 'main(traces)');
  const dead = ledger.route('dead(traces)', { required: false });
  const [queue, end] = [dead.open('batch', 'fanOut(dead(traces))'), dead.open('sink', 'dead(traces)')];
  for (const account of [front, main, queue, end]) lose(account, 100);
  const books = new DrainBooks(ledger);
  lose(front, 3);
  lose(queue, 4);
  lose(end, 5);
  const drained = books.end(7);
  expect(drained).toEqual({
    delivered: 7,
    lost: 3,
    losses: {
      'rebatch(traces)': { items: 3, isRequired: true },
      'dead(traces)': { items: 9, isRequired: false },
    },
  });
  lose(front, 1); // it is over
  expect(drained.losses['rebatch(traces)']?.items).toBe(3);
});

test('a route that has lost more before does not hide what another one loses now', () => {
  const ledger = createLedger();
  const input = ledger.open('input', 'input');
  const [one, two] = ['one', 'two'].map((name) => ledger.route(name).open('sink', name)) as [Account, Account];
  input.accept(10);
  input.handOn(10);
  lose(one, 10);
  const books = new DrainBooks(ledger);
  lose(two, 6);
  expect(books.end(0)).toEqual({ delivered: 0, lost: 6, losses: { two: { items: 6, isRequired: true } } });
});

test('those of several are added up by place', () => {
  const losses = { main: { items: 2, isRequired: true } };
  const other = { main: { items: 3, isRequired: true }, dead: { items: 9, isRequired: false } };
  expect(
    sumOfDrained([
      { delivered: 1, lost: 2, losses },
      { delivered: 4, lost: 3, losses: other },
    ]),
  ).toEqual({
    delivered: 5,
    lost: 5,
    losses: { main: { items: 5, isRequired: true }, dead: { items: 9, isRequired: false } },
  });
  expect(sumOfDrained([])).toEqual({ delivered: 0, lost: 0, losses: {} });
});
