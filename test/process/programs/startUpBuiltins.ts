// Which modules of Node are loaded by the default pipeline. It imports nothing statically, so that all of them are counted.

const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] };
const atStart = moduleLoadList.length;
const loaded = () => moduleLoadList.slice(atStart).map((entry) => entry.replace(/^NativeModule /, ''));

const { otlpHttp, spanPipeline } = await import('../../../src/index.ts');
const imported = loaded();
// An address, which is looked at where there is a proxy. Nothing answers there.
const pipeline = spanPipeline({ sink: otlpHttp({ url: 'http://127.0.0.1:9/v1/traces' }), retry: { maxAttempts: 1 } });
const constructed = loaded();

const { endSpans, report, tracerOf } = await import('./kit.ts');
endSpans(tracerOf(pipeline.processor), 1);
await pipeline.forceFlush();
report('loaded', { imported, constructed, exported: loaded() });
await pipeline.shutdown();
