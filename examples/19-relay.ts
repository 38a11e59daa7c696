/**
 * A whole service: spans of others come in over OTLP, secrets are taken out, traces with errors and a tenth of the others are kept, all of them are counted in metrics, and everything goes to two backends. The same as a file of YAML is what `npx spanflow relay --config` takes.
 *
 *     node examples/19-relay.ts
 */
import { SpanStatusCode } from '@opentelemetry/api';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { otlpHttp, spanPipeline } from 'spanflow';
import { relay } from 'spanflow/relay';
import { otlpBackend } from 'spanflow/testing';

const [main, copy] = [await otlpBackend(), await otlpBackend()];
const service = relay({
  receive: { http: { port: 0 } },
  process: {
    redact: { keys: ['http.request.header.authorization'] },
    spanMetrics: { dimensions: ['service.name', 'span.name', 'status.code'] },
    tailSample: { maxWaitMillis: 1_000, policies: [{ kind: 'errors' }, { kind: 'probabilistic', ratio: 0.1 }] },
  },
  send: {
    main: { url: new URL(main.url).origin, compression: 'gzip' },
    copy: { url: new URL(copy.url).origin, required: false },
  },
  admin: { port: 0 },
});
const { http, admin } = await service.listen();

// A shop that sends to it: of 200 orders, one in 20 fails.
const sender = spanPipeline({ sink: otlpHttp({ url: `${http?.url}/v1/traces` }), environment: {} });
const tracer = new TracerProvider({ spanProcessors: [sender.processor] }).getTracer('shop');
for (let order = 0; order < 200; order += 1) {
  const span = tracer.startSpan('order', { attributes: { 'http.request.header.authorization': `token ${order}` } });
  if (order % 20 === 0) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
await sender.shutdown();

const metrics = await (await fetch(`${admin}/metrics`)).text();
const { lost } = await service.shutdown(); // decides what still waits, and sends the points
const names = ({ requests }: typeof main) => requests.flatMap(({ spans }) => spans);
const secrets = [main, copy]
  .flatMap(({ requests }) => requests)
  .filter(({ body }) => Buffer.from(body).includes('token '));
const points = main.requests.filter(({ path }) => path === '/v1/metrics').length;
console.log(
  `200 spans came, ${names(main).length} went to the main backend, ${names(copy).length} to the copy, ${secrets.length} requests with a secret`,
);
console.log(`${points} requests of metrics; ${lost} lost; ${/^spanflow_relay_requests_total .*$/m.exec(metrics)?.[0]}`);
await Promise.all([main.close(), copy.close()]);

const isSampled = main.spans >= 10 && main.spans < 100 && main.spans === copy.spans;
process.exitCode = isSampled && secrets.length === 0 && points > 0 && lost === 0 ? 0 : 1;
