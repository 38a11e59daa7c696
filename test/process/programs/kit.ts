/** What the programs have in common. Whoever imports it, watches for faults. */
import { createHook } from 'node:async_hooks';
import { writeSync } from 'node:fs';
import { type DiagLogFunction, type DiagLogger, DiagLogLevel, diag, type Tracer } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { Observable, of } from 'rxjs';
import type { Response, Sink } from '../../../src/index.ts';

/** Tells the test a fact. It is written when it returns, even if the process ends right then. */
export function report(is: string, facts: Readonly<Record<string, unknown>> = {}): void {
  writeSync(1, `${JSON.stringify({ is, ...facts })}\n`);
}

const fault = (what: string, thrown: unknown) => {
  process.exitCode = 70;
  report('fault', { what, thrown: thrown instanceof Error ? thrown.stack : String(thrown) });
};
process.on('uncaughtException', (error, origin) => fault(origin, error));
process.on('unhandledRejection', (reason) => fault('unhandledRejection', reason));
process.on('warning', (warning) => fault('warning', warning));

/** What the test gave this program. */
export function input<I>(): I {
  return JSON.parse(process.argv[2] ?? '{}') as I;
}

/** Where each timer that exists now was armed: those that hold the process open and those that do not, Node's own among them. */
export async function timers(): Promise<{ holding: number; armedBy: string[] }> {
  // Node tells of the end of a timer in the turn after it.
  await turn();
  await turn();
  const holding = process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;
  return { holding, armedBy: [...timersByWhom.values()] };
}

const timersByWhom = new Map<number, string>();
Error.stackTraceLimit = 50;
createHook({
  init(id, type) {
    if (type === 'Timeout') timersByWhom.set(id, whoIs(new Error().stack ?? ''));
  },
  destroy(id) {
    timersByWhom.delete(id);
  },
}).enable();

function whoIs(stack: string): string {
  if (stack.includes('/node_modules/undici/')) return 'undici';
  if (stack.includes('/node_modules/@grpc/')) return 'grpc';
  if (stack.includes('/src/')) return 'spanflow';
  return stack.includes('/node_modules/') ? 'another package' : 'node';
}

/** The next turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Keeps the process alive without a timer, until it is called. */
export function holdOpen(): () => void {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', () => {});
  return () => {
    port1.close();
    port2.close();
  };
}

/** A tracer of OpenTelemetry's SDK, of no global. */
export function tracerOf(processor: SpanProcessor, resource?: Resource): Tracer {
  return new TracerProvider({ spanProcessors: [processor], ...(resource && { resource }) }).getTracer('process');
}

/** Ends so many spans, within one turn. */
export function endSpans(tracer: Tracer, count: number): void {
  for (let number = 0; number < count; number += 1) {
    tracer.startSpan(`span ${number}`, { attributes: { number } }).end();
  }
}

/** A sink that answers as it is told: with what attempt number n (from 1) returns. It counts what it confirms. */
export function answering<T>(answer: (attempt: number) => Observable<Response>): Sink<T> & { readonly items: number } {
  let attempts = 0;
  let items = 0;
  return {
    name: 'answering',
    get items() {
      return items;
    },
    export: (batch) =>
      new Observable((subscriber) => {
        attempts += 1;
        return answer(attempts).subscribe({
          next: (response) => {
            items += batch.items.length;
            subscriber.next(response);
          },
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        });
      }),
  };
}

/** A plain success. */
export const success: Observable<Response> = of({});

/** Gives `diag` a logger that hands each warning to `warn`, and nothing else to anybody. */
export function listenToWarnings(warn: DiagLogFunction): void {
  const nothing = () => {};
  const logger: DiagLogger = { error: nothing, warn, info: nothing, debug: nothing, verbose: nothing };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

/** Reports each warning that `diag` gets. */
export function reportWarnings(): void {
  listenToWarnings((message) => report('warning', { message }));
}
