import type { FileProgress } from '../../inputs/fromOtlpFile/options.ts';
import type { Stats } from '../../ledger/stats.ts';
import type { SignalName } from '../../model/signal.ts';
import type { ReplayArguments } from './arguments.ts';
import { seconds } from './units.ts';

const NOUNS: Readonly<Record<SignalName, string>> = { traces: 'spans', logs: 'log records', metrics: 'data points' };

const number = (count: number) => count.toLocaleString('en');

/** @param plural a noun whose plural has an `s` behind the singular */
function counted(count: number, plural: string): string {
  return `${number(count)} ${count === 1 ? plural.slice(0, -1) : plural}`;
}

/** What a replay came to. */
export interface Sent {
  readonly progress: FileProgress;
  readonly stats: Stats;
  /** Whether a signal has ended it. */
  readonly isInterrupted: boolean;
  /** Why the newest export that failed for good has failed. */
  readonly refusal: string | undefined;
}

/** Whether all of the file was read, and all of it delivered. */
export function isWhole({ progress, stats }: Sent): boolean {
  const { items, damaged, readBytes, totalBytes } = progress;
  return damaged === 0 && readBytes >= totalBytes && stats.delivered === items;
}

/** What was read and what became of it, a line each. */
export function summaryOf({ file, signal, url }: ReplayArguments, sent: Sent, elapsedMillis: number): string {
  const { progress, stats } = sent;
  const { items, records, damaged, firstDamage, unreadBytes, empty, readBytes, totalBytes } = progress;
  const perSecond = number(Math.round(stats.delivered / (elapsedMillis / 1_000)));
  const others = Object.keys(NOUNS).filter((other) => other !== signal);
  const lines = [
    `${file}: ${counted(items, NOUNS[signal])} in ${counted(records, 'requests')}`,
    damaged > 0 && `damaged and passed over: ${counted(damaged, 'records')}; the first: ${firstDamage}`,
    unreadBytes > 0 && `not read, behind a damaged length: ${counted(unreadBytes, 'bytes')}`,
    readBytes < totalBytes && `stopped at ${Math.floor((readBytes / totalBytes) * 100)} % of the file`,
    `delivered to ${url}: ${number(stats.delivered)} in ${seconds(elapsedMillis)}, ${perSecond} a second`,
    stats.rejected > 0 && `refused by the backend: ${number(stats.rejected)}`,
    lossesOf(sent),
    stats.possibleDuplicates > 0 && `may have arrived twice: ${number(stats.possibleDuplicates)}`,
    items === 0 && empty > 0 && `nothing in it is of ${signal}: try --signal ${others.join(' or --signal ')}`,
  ];
  return lines.flatMap((line) => (line === false ? [] : [`${line}\n`])).join('');
}

/** At the end of the file, what waits for its next attempt is given up as at a shutdown: then the reason is what its attempts failed of. */
function lossesOf({ stats, isInterrupted, refusal }: Sent): string | false {
  const { shutdown, ...others } = stats.lost;
  const isGivenUp = shutdown !== undefined && !isInterrupted;
  const known = Object.entries(isGivenUp ? others : stats.lost).map(([reason, count]) => `${number(count)} ${reason}`);
  const givenUp = isGivenUp ? [`${number(shutdown)} not taken by the backend`] : [];
  const lost = [...known, ...givenUp].join(', ');
  return lost !== '' && `lost: ${lost}${refusal === undefined ? '' : `; the newest failure: ${refusal}`}`;
}
