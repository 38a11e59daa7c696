import { type MonoTypeOperatorFunction, Observable, type OperatorFunction } from 'rxjs';
import type { Unseen } from '../../flow/unseen.ts';
import { createLedger } from '../../ledger/ledger.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import { Chain } from './chain.ts';
import type { SupervisedOptions } from './options.ts';

/** The operator, and what can be seen of the operators inside. */
export interface SupervisedOperator<T> extends MonoTypeOperatorFunction<T> {
  /** Those of the newest subscription. */
  places(): readonly { readonly unseen: Unseen; toString(): string }[];
}

const STAGE = 'operators';

/**
 * A chain of operators of the user's, in this order, which goes on when one of them throws.
 *
 * Each operator is subscribed by itself. One that throws is subscribed again when the next item comes, with a fresh state; the others keep what they hold. So an operator that throws for every item is subscribed once for each.
 *
 * **Emits** what the last operator emits. **Completes** when the source has, and every operator has let out what it holds. An operator that completes earlier (`take(5)`) stays ended: what comes from then on is taken out, and the stream stays open until the source ends. **Errors** like the source, and never otherwise.
 * **Unsubscribed**, it unsubscribes the source, and then each operator.
 *
 * **Flush**: `flushWhen` reaches stages of ours in it that were given none, and does not wait for what they have taken out.
 *
 * **Order**: that of the operators.
 *
 * **Loss**: `operatorFailed`, `shutdown`, `unsubscribed`. When an operator throws that answers each item at once, the item that it was given is lost. Of an operator that has emitted later than it was given an item, all that went in since it was subscribed and has not come out is counted as lost: more than it held, if it takes items out as well.
 * What an operator holds that has never emitted later cannot be told from what it takes out: neither is counted as lost, and both are handed on to the stage behind and do not get there (`between`).
 */
export function supervised<T>(
  operators: readonly OperatorFunction<T, T>[],
  options: SupervisedOptions = {},
): SupervisedOperator<T> {
  const account = (options.ledger ?? createLedger()).open('operator', STAGE);
  const reporter = new StageReporter<T>(account, options);
  let newest: Chain<T> | undefined;
  function supervisedOperator(source: Observable<T>): Observable<T> {
    return new Observable((subscriber) => {
      const chain = new Chain<T>(subscriber, operators, reporter, options);
      newest = chain;
      const stop = options.stopWhen?.subscribe(() => chain.cut());
      chain.follow(source);
      subscriber.add(stop);
    });
  }
  const places = () =>
    (newest?.links ?? []).map(({ unseen }, index) => ({ unseen, toString: () => `in operators[${index}]` }));
  return Object.assign(supervisedOperator, { places });
}
