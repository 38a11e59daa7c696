// The same for those who require.
const { TracerProvider } = require('@opentelemetry/sdk-trace');
const { otlpHttp, spanPipeline } = require('spanflow');

const pipeline = spanPipeline({ sink: otlpHttp({ compression: 'gzip' }) });
const tracer = new TracerProvider({ spanProcessors: [pipeline.processor] }).getTracer('runtimes');
for (let index = 0; index < 1_000; index++) tracer.startSpan('work', { attributes: { index } }).end();
pipeline.shutdown().then(() => console.log(JSON.stringify({ ...pipeline.stats().lost })));
