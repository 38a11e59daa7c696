import { Observable, type OperatorFunction } from 'rxjs';
import { Stage } from '../../ledger/stage.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch } from '../../model/batch.ts';
import { type RebatchOptions, rebatchSettings, STAGE } from './options.ts';
import { Rebatching } from './rebatching.ts';

/**
 * Makes batches of batches: small ones are merged, large ones are split, and whoever holds out for the outcome of a batch that came learns that of exactly its items.
 *
 * ```text
 * source      -[a]-[bc]-----[defg]------|
 * subscribed  ^-------------------------!
 *             rebatch: count 3, delay 5 ms
 * result      -----[abc]----[def][g]----|
 * ```
 *
 * **Emits** a batch as soon as its count or its bytes reach the maximum, its first item has waited for the delay, or a flush asks for it: one of the source, or one that waits for a batch that came. While the holders of earlier batches are not
 * ready for another one, a batch that is due keeps growing to its maximum. No timer runs while nothing is queued or out.
 * **Completes** after the source, when all queued items have been emitted and all held batches have outcomes.
 * **Errors** like the source, but queued items are emitted first, and held batches get their outcomes.
 * **Unsubscribed**, it reports queued items as lost.
 *
 * **Holds**: a batch that came is settled when each of the batches that its items left in is, with the sum of their tallies; nobody else's items count in it. While half of the queue is taken, the next batch is not welcome (`ready`). Where a batch that leaves
 * holds items of several and ends in more than one way (some delivered, some rejected), it is unknown which items ended how: backends say how many they refuse, not which. Then each gets a share in proportion; but when items of it were lost for
 * a reason that another attempt might not meet, each gets one such loss at least, so that no sender is told that everything arrived when it may not have. A batch that nobody holds is handed on: its items count as `removed` for those whose they were.
 *
 * **Order**: that of the source, within a batch and from one to the next.
 *
 * **Loss**: `queueFull` for a batch that finds no room, `tooLarge` for one that never could (items, bytes or half of the memory), as a whole; `unsubscribed`, `leaseExpired`. Each is counted in the ledger, told to the holds and reported to `onLoss`.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const small = [[1], [2, 3], [4, 5, 6, 7]];
 * from(small)
 *   .pipe(rebatch({ maxExportBatchSize: 3 }))
 *   .subscribe((batch) => console.log(batch.closedBy, batch.items));
 * ```
 *
 * @see adaptiveBatch
 */
export function rebatch<T>(options: RebatchOptions<T> = {}): OperatorFunction<Batch<T> | readonly T[], Batch<T>> {
  const settings = rebatchSettings(options);
  const stage = new Stage(settings.ledger, 'batch', settings.name ?? STAGE);
  return function rebatchOperator(source) {
    return new Observable((subscriber) => {
      const { account, run } = stage.open();
      const reporter = new StageReporter<T>(account, settings, ({ length }) => length);
      const { processHold = 'never' } = options;
      const inRun = run && { flushWhen: settings.flushWhen ?? run.parts.flush$, processHold };
      new Rebatching(subscriber, { ...settings, ...inRun }, reporter).follow(source);
    });
  };
}
