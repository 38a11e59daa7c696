import type { Stats } from '../../src/index.ts';

const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((all, count) => all + count, 0);

/** One line that is written anew on a terminal, and plain lines elsewhere. */
export function liveLine(stats: () => Stats): { label(text: string): void; stop(): void } {
  endWithReader();
  const onTerminal = process.stdout.isTTY;
  const intervalMillis = onTerminal ? 250 : 1_000;
  let label = '';
  let before = { ended: 0, atMillis: performance.now() };
  const print = () => {
    const books = stats();
    const now = { ended: books.offered, atMillis: performance.now() };
    const perSecond = ((now.ended - before.ended) * 1_000) / (now.atMillis - before.atMillis);
    before = now;
    const line = [
      `${label.padEnd(13)} ${Math.round(perSecond).toString().padStart(5)} spans/s`,
      `queue ${books.queueSize.toString().padStart(5)}`,
      `batch ${books.batchSize.toString().padStart(4)}`,
      `in flight ${books.inFlight}`,
      `retries ${books.retries}`,
      `lost ${sum(books.refused) + sum(books.lost)}`,
    ].join(' · ');
    process.stdout.write(onTerminal ? `\r\x1b[2K${line}` : `${line}\n`);
  };
  const timer = setInterval(print, intervalMillis);
  return {
    label: (text) => {
      label = text;
    },
    stop: () => {
      clearInterval(timer);
      if (onTerminal) process.stdout.write('\n');
    },
  };
}

/** Ends the program when its output is read no more, as by `npm start | head`: otherwise the next line would be an uncaught EPIPE. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

/** Prints both sides' books, and says whether they agree and nothing was lost. */
export function printLedger(stats: Stats, received: number | undefined): boolean {
  const rows: [string, number][] = [
    ['spans ended', stats.offered],
    ['delivered', stats.delivered],
    ['rejected', stats.rejected],
    ...Object.entries({ ...stats.refused, ...stats.lost }),
    ['pending', stats.pending],
  ];
  console.log('\npipeline');
  for (const [name, count] of rows) console.log(`  ${name.padEnd(18)} ${count.toString().padStart(8)}`);
  console.log(
    `  ${'export attempts'.padEnd(18)} ${stats.attempts.toString().padStart(8)}  (${stats.retries} of them retries)`,
  );
  if (received !== undefined)
    console.log(`backend\n  ${'spans received'.padEnd(18)} ${received.toString().padStart(8)}`);
  const complete = stats.delivered === stats.offered && stats.pending === 0;
  const agrees = received === undefined || received === stats.delivered;
  if (!agrees) console.log('\nThe books do not agree.');
  else if (!complete) console.log('\nNot everything was delivered.');
  else console.log(`\n${received === undefined ? 'Nothing was lost.' : 'The books agree, and nothing was lost.'}`);
  return complete && agrees;
}
