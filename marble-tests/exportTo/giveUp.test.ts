import { NEVER, of, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { createLedger, exportTo, type Outcome, type Sink } from '../../src/index.ts';

const silent: Sink<string> = { name: 'silent', export: () => NEVER };

/** Batches into a sink, and what becomes of them. */
function started(sink: Sink<string>, concurrency = 1) {
  const ledger = createLedger();
  const source = new Subject<string[]>();
  const giveUpWhen = new Subject<void>();
  const stopWhen = new Subject<void>();
  const outcomes: Outcome<string>[] = [];
  const options = { concurrency, giveUpWhen, stopWhen, ledger };
  const exported = source.pipe(exportTo(sink, options));
  return { ledger, source, giveUpWhen, stopWhen, outcomes, exported };
}

describe('exportTo: what is pending can be given up', () => {
  test('a batch in flight is unconfirmed, a waiting one is lost, and later ones are exported again', () => {
    let isUp = false;
    const { ledger, source, giveUpWhen, exported } = started({ name: 'late', export: () => (isUp ? of({}) : NEVER) });
    exported.subscribe();
    source.next(['a']);
    source.next(['b', 'c']);
    giveUpWhen.next();
    expect(ledger.stats()).toMatchObject({ attempts: 1, lost: { unconfirmed: 1, shutdown: 2 }, pending: 0 });
    isUp = true;
    source.next(['d']);
    expect(ledger.stats()).toMatchObject({ delivered: 1, pending: 0 });
  });

  test('a stopWhen that emits during this takes effect', () => {
    const { ledger, source, giveUpWhen, stopWhen, exported } = started(silent);
    exported.subscribe(() => stopWhen.next());
    source.next(['a']);
    giveUpWhen.next();
    source.next(['b']);
    expect(ledger.stats()).toMatchObject({ lost: { unconfirmed: 1, shutdown: 1 }, pending: 0 });
  });

  test('giveUpWhen has to be an Observable', () => {
    expect(() => exportTo(silent, { giveUpWhen: 5 as never })).toThrow('exportTo.giveUpWhen must be an Observable');
  });
});
