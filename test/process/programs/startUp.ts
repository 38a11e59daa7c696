import { createRequire } from 'node:module';
import { otlpHttp, spanPipeline } from '../../../src/index.ts';
import { endSpans, holdOpen, input, report, timers, tracerOf, turn } from './kit.ts';

const { url, then } = input<{ url: string; then: 'wait' | 'export' | 'end' | 'exportByDispatcher' }>();
const { cache } = createRequire(import.meta.url);
const isLoaded = () =>
  Object.keys(cache).some((path) => path.includes('/node_modules/undici/lib/dispatcher/client.js'));
process.on('exit', () => report('exit', { isLoaded: isLoaded() }));

const given = { statusCode: 200, headers: {}, body: (async function* () {})() };
const dispatcher = { request: async () => given } as never;
const sink = otlpHttp({ url, ...(then === 'exportByDispatcher' && { dispatcher }) });
const pipeline = spanPipeline({ sink });
report('constructed', { isLoaded: isLoaded() });

if (then === 'wait') {
  const release = holdOpen();
  while (!isLoaded()) await turn();
  report('idle', { timers: await timers() });
  release();
}
if (then.startsWith('export')) endSpans(tracerOf(pipeline.processor), 3);
