/**
 * The whole way once: a real OpenTelemetry tracer makes some 3,000 spans a second. Two pipelines get every one of them, spanflow and OpenTelemetry's own processor and exporter, and each sends them to a
 * backend of its own. Both backends have the same bad moments: for a while they are slow, then for a while they are down. In the end the books of all sides stand beside each other.
 *
 *     node examples/01-quickStart.ts                   against backends of its own, on loopback
 *     node examples/01-quickStart.ts --endpoint URL    spanflow alone, against any OTLP/HTTP endpoint (the whole URL, /v1/traces included)
 *
 * In the repository: `npm start`, and `npm start -- --endpoint URL`.
 */
import { parseArgs } from 'node:util';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { otlpHttp, spanPipeline } from 'spanflow';
import { statsToConsole } from 'spanflow/terminal';
import { liveView } from 'spanflow/view';
import { type Mood, startBackend } from './support/backend.ts';
import { officialProcessor } from './support/official.ts';
import { endWithReader, isComplete, lostBy, printBooks, reasonsOf, say, title, verdict } from './support/report.ts';
import { checkouts } from './support/traffic.ts';

const { endpoint } = parseArgs({ options: { endpoint: { type: 'string' } } }).values;
const [ours, theirs] = endpoint === undefined ? await Promise.all([startBackend(), startBackend()]) : [];
endWithReader();

// The part that a service has, too.
const pipeline = spanPipeline({ sink: otlpHttp({ url: endpoint ?? (ours?.url as string) }) });
const official = theirs && officialProcessor(theirs.url);
const provider = new TracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'checkout', 'service.version': '1.0.0' }),
  spanProcessors: [pipeline.processor, ...(official ? [official.processor] : [])],
});

const view = await liveView({ spanflow: pipeline });
say(
  official === undefined
    ? `A web shop ends 3,000 spans a second, for twelve seconds. spanflow sends them to ${endpoint}.`
    : "A web shop ends 3,000 spans a second, for twelve seconds. spanflow gets each of them, and so does OpenTelemetry's own BatchSpanProcessor with its exporter: both with their defaults, and each with a backend of its own. Both backends are well, then slow (800 ms), then down (503 and broken connections), then well again.",
  '',
  `Watch spanflow in a browser, too, while this runs: ${view.url}`,
  '',
);

const isTerminal = process.stdout.isTTY && process.env.TERM !== 'dumb';
let state: Mood | 'sending' | 'draining' = 'sending';
const HEALTH = { well: 1, sending: 1, draining: 1, slow: 0.5, down: 0 };
const display = statsToConsole(official === undefined ? { spanflow: pipeline } : { official, spanflow: pipeline }, {
  gauges: { backend: () => ({ value: HEALTH[state], text: state }) },
  stream: process.stdout,
  // On a terminal the sparklines have filled its width in the end.
  intervalMillis: isTerminal ? Math.max(100, 18_000 / process.stdout.columns) : 1_000,
});

const traffic = checkouts(provider.getTracer('quick-start'), { tracesPerSecond: 750 });
for (const mood of ['well', 'slow', 'down', 'well'] as const) {
  if (ours !== undefined) state = mood;
  for (const backend of [ours, theirs]) backend?.be(mood);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
}
traffic.stop();
state = 'draining';
await provider.shutdown();
display.close();
await view.close();

const spanflow = { name: 'spanflow', stats: pipeline.stats(), received: await ours?.count() };
const sides = official
  ? [{ name: 'official', stats: official.stats(), received: await theirs?.count() }, spanflow]
  : [spanflow];
for (const backend of [ours, theirs]) await backend?.close();

say(
  '',
  title(isTerminal ? 'What the rows mean' : 'What the columns mean'),
  '  offered/s: spans that ended. pending: neither delivered nor lost yet, so in a queue, in flight, or waiting for the next attempt. delivered/s: spans that the backend has accepted. lost: spans that were dropped; stats() says why.',
);
printBooks(sides);
const isGood = isComplete(spanflow);
const lost = sides.map((side) => `${side.name} lost ${lostBy(side).toLocaleString('en-US')}`).join(', ');
console.log(`\n${verdict(isGood, lost)}`);
if (!isGood) say(`Not everything was delivered: ${reasonsOf(spanflow) || 'the backend has counted otherwise'}.`);
else
  say(
    ours === undefined
      ? 'Nothing was lost.'
      : "spanflow's books agree with what its backend received; spanflow lost nothing.",
  );

const inRepository = process.env.npm_lifecycle_event === 'start';
say(
  '',
  title('What to do next'),
  '  In your service, this takes the place of BatchSpanProcessor:',
  '    const pipeline = spanPipeline({ sink: otlpHttp() });',
  '    new TracerProvider({ spanProcessors: [pipeline.processor] });',
  '  With a collector of yours:',
  `    ${inRepository ? 'npm start --' : 'node examples/01-quickStart.ts'} --endpoint http://localhost:4318/v1/traces`,
  '  The other examples, in the reading order of examples/README.md:',
  `    ${inRepository ? 'npm run example' : 'node'} examples/02-tuningBatches.ts`,
);
process.exitCode = isGood ? 0 : 1;
