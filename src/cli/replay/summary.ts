import type { FileProgress } from '../../inputs/fromOtlpFile/options.ts';
import type { Stats } from '../../ledger/stats.ts';
import type { SignalName } from '../../model/signal.ts';
import type { ReplayArguments } from './arguments.ts';
import { seconds } from './units.ts';

const NOUNS: Readonly<Record<SignalName, string>> = { traces: 'spans', logs: 'log records', metrics: 'data points' };

const number = (count: number) => count.toLocaleString('en');

const counted = (count: number, noun: string) => `${number(count)} ${noun}${count === 1 ? '' : 's'}`;

/** Whether all of the file was read, and all of it delivered. */
export function isWhole({ items, damaged, readBytes, totalBytes }: FileProgress, { delivered }: Stats): boolean {
  return damaged === 0 && readBytes >= totalBytes && delivered === items;
}

/** What was read and what became of it, a line each. */
export function summaryOf(given: ReplayArguments, progress: FileProgress, stats: Stats, elapsedMillis: number): string {
  const { file, signal, url } = given;
  const { items, records, damaged, firstDamage, unreadBytes, empty, readBytes, totalBytes } = progress;
  const noun = NOUNS[signal];
  const perSecond = number(Math.round(stats.delivered / (elapsedMillis / 1_000)));
  const lost = Object.entries(stats.lost).map(([reason, count]) => `${number(count)} ${reason}`);
  const others = Object.keys(NOUNS).filter((other) => other !== signal);
  const lines = [
    `${file}: ${number(items)} ${noun} in ${counted(records, 'request')}`,
    damaged > 0 && `damaged and passed over: ${counted(damaged, 'record')}; the first: ${firstDamage}`,
    unreadBytes > 0 && `not read, behind a damaged length: ${counted(unreadBytes, 'byte')}`,
    readBytes < totalBytes && `stopped at ${Math.floor((readBytes / totalBytes) * 100)} % of the file`,
    `delivered to ${url}: ${number(stats.delivered)} in ${seconds(elapsedMillis)}, ${perSecond} a second`,
    stats.rejected > 0 && `refused by the backend: ${number(stats.rejected)}`,
    lost.length > 0 && `lost: ${lost.join(', ')}`,
    stats.possibleDuplicates > 0 && `may have arrived twice: ${number(stats.possibleDuplicates)}`,
    items === 0 && empty > 0 && `nothing in it is of ${signal}: try --signal ${others.join(' or --signal ')}`,
  ];
  return lines.flatMap((line) => (line === false ? [] : [`${line}\n`])).join('');
}
