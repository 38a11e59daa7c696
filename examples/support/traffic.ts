import { context, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';

/** How many checkouts a late tick makes up for: a shop on a busy machine sells less, and not everything in one moment. */
const MAX_AT_ONCE = 50;

/** Makes traces of a web shop's checkout, four spans each, until it is stopped. */
export function checkouts(tracer: Tracer, { tracesPerSecond }: { tracesPerSecond: number }): { stop(): void } {
  const startedMillis = performance.now();
  let made = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - startedMillis) / 1_000) * tracesPerSecond;
    const until = Math.min(due, made + MAX_AT_ONCE);
    while (made < until) checkout(tracer, made++);
  }, 10);
  return { stop: () => clearInterval(timer) };
}

function checkout(tracer: Tracer, number: number): void {
  const failed = number % 50 === 0;
  const route = ['/checkout', '/cart', '/payment'][number % 3] as string;
  const request = tracer.startSpan(`POST ${route}`, {
    kind: SpanKind.SERVER,
    attributes: {
      'http.request.method': 'POST',
      'http.route': route,
      'shop.order': number,
      'shop.items': ['book', 'lamp'],
    },
  });
  const inRequest = trace.setSpan(context.active(), request);
  const stock = tracer.startSpan(
    'GET /stock',
    { kind: SpanKind.CLIENT, attributes: { 'server.address': 'stock' } },
    inRequest,
  );
  stock.addEvent('retry', { 'retry.count': 1 });
  stock.end();
  const order = { name: 'INSERT orders', attributes: { 'db.system.name': 'postgresql', 'db.response.rows': 1 } };
  tracer.startSpan(order.name, { kind: SpanKind.CLIENT, attributes: order.attributes }, inRequest).end();
  const mail = tracer.startSpan(
    'send mail',
    { kind: SpanKind.PRODUCER, links: [{ context: stock.spanContext() }] },
    inRequest,
  );
  if (failed) {
    mail.recordException(new Error('no such mailbox'));
    mail.setStatus({ code: SpanStatusCode.ERROR, message: 'no such mailbox' });
  }
  mail.end();
  request.end();
}
