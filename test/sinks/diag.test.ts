import { context, DiagLogLevel, diag, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { NEVER } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type OtlpHttpOptions, type Sink, type SpanPipeline, spanPipeline, toExporter } from '../../src/index.ts';
import { ScriptedExporter } from '../support/httpExporters.ts';
import { openSink, recordWarnings, SWIFT_RETRIES, startBackend } from '../support/httpExports.ts';
import { closedPort } from '../support/httpServer.ts';
import { recordTracing } from '../support/httpTracing.ts';
import { spanWith } from '../support/spans.ts';

/** Says everything at once. */
function startPipeline(sink: Sink<ReadableSpan>): SpanPipeline {
  const quick = { warnIntervalMillis: 0, retry: SWIFT_RETRIES, exitDeadlineMillis: 0 };
  const pipeline = spanPipeline({ sink, environment: {}, ...quick });
  onTestFinished(() => pipeline.shutdown());
  return pipeline;
}

/** What is said about one span on its way. */
async function warningsOf(sink: Sink<ReadableSpan>): Promise<string[]> {
  const warnings = recordWarnings();
  const pipeline = startPipeline(sink);
  pipeline.processor.onEnd(spanWith());
  await pipeline.forceFlush();
  await pipeline.shutdown();
  return warnings;
}

const warningsWith = (options: OtlpHttpOptions) => warningsOf(openSink(options));

describe('diag is warned', () => {
  it('of a closed port, at the first attempt and when the retries are spent', async () => {
    const port = await closedPort();
    const warnings = await warningsWith({ url: `http://127.0.0.1:${port}/v1/traces` });
    const where = `no answer from http://127.0.0.1:${port}/v1/traces while connecting: connect ECONNREFUSED 127.0.0.1:${port}`;
    expect(warnings[0]).toBe(`spanflow: an export failed and will be tried again: ${where}`);
    expect(warnings.slice(-2)).toEqual([
      `spanflow: an export failed for good: ${where}`,
      'spanflow: lost items: 1 retriesExhausted at exportTo(otlpHttp)',
    ]);
  });

  it('of a wrong path', async () => {
    const backend = await startBackend();
    const warnings = await warningsWith({ url: backend.url.replace('traces', 'spans') });
    // The cause first, also in the first report.
    expect(warnings).toEqual([
      expect.stringMatching(/an export failed for good: http:.*\/v1\/spans answered 404/),
      'spanflow: lost items: 1 permanent at exportTo(otlpHttp)',
    ]);
  });

  it('of what was rejected, and why', async () => {
    const backend = await startBackend({ answers: { partialSuccess: { rejected: 1, message: 'too old' } } });
    expect(await warningsWith({ url: backend.url })).toEqual(['spanflow: the backend rejected 1 item: too old']);
  });

  it('of a warning with a success', async () => {
    const backend = await startBackend({ answers: { partialSuccess: { rejected: 0, message: 'slow down' } } });
    expect(await warningsWith({ url: backend.url })).toEqual(['spanflow: the backend says: slow down']);
  });

  it('of a header function that throws', async () => {
    const authorization = () => Promise.reject(new Error('no token yet'));
    const warnings = await warningsWith({ headers: { authorization } });
    expect(warnings[0]).toContain('the header authorization could not be made: no token yet');
  });

  it('of an exporter that throws', async () => {
    const exporter = new ScriptedExporter(() => {
      throw new Error('mine');
    });
    const warnings = await warningsOf(toExporter(exporter));
    expect(warnings[0]).toBe('spanflow: an export failed and will be tried again: the exporter threw: mine');
    expect(warnings).toContain('spanflow: lost items: 1 retriesExhausted at exportTo(ScriptedExporter)');
  });
});

describe('diag.debug', () => {
  /** What is told of attempts during this test. */
  function recordDetails(): string[] {
    const details: string[] = [];
    const ignore = () => {};
    const debug = (message: string) => details.push(message.replace(/after \d+ ms/, 'after N ms'));
    const logger = { error: ignore, warn: ignore, info: ignore, debug, verbose: ignore };
    diag.setLogger(logger, { logLevel: DiagLogLevel.DEBUG, suppressOverrideMessage: true });
    onTestFinished(() => diag.disable());
    return details;
  }

  it('tells each attempt, how it ended and where it went', async () => {
    const backend = await startBackend({ answers: [{ status: 503 }, 'ok'] });
    const details = recordDetails();
    const pipeline = startPipeline(openSink({ url: backend.url }));
    pipeline.processor.onEnd(spanWith());
    pipeline.processor.onEnd(spanWith());
    await pipeline.forceFlush();
    expect(details.filter((detail) => detail.startsWith('spanflow'))).toEqual([
      `spanflow: exportTo(otlpHttp): attempt 1 at a batch, with 2 items, to ${backend.url}: failed (retryable: ${backend.url} answered 503) after N ms`,
      `spanflow: exportTo(otlpHttp): attempt 2 at a batch, with 2 items, to ${backend.url}: accepted after N ms`,
    ]);
  });

  it('tells of one that is aborted', async () => {
    const details = recordDetails();
    const never: Sink<ReadableSpan> = { name: 'never', export: () => NEVER };
    const pipeline = startPipeline(never);
    pipeline.processor.onEnd(spanWith());
    await pipeline.shutdown({ deadlineMillis: 1 });
    expect(details.filter((detail) => detail.startsWith('spanflow'))).toEqual([
      'spanflow: exportTo(never): attempt 1 at a batch, with 1 item, to never: aborted after N ms',
    ]);
  });

  it('that throws changes nothing', async () => {
    const ignore = () => {};
    const debug = (message: string) => {
      if (message.startsWith('spanflow')) throw new Error('mine');
    };
    diag.setLogger(
      { error: ignore, warn: ignore, info: ignore, debug, verbose: ignore },
      { logLevel: DiagLogLevel.DEBUG, suppressOverrideMessage: true },
    );
    onTestFinished(() => diag.disable());
    const backend = await startBackend();
    const pipeline = startPipeline(openSink({ url: backend.url }));
    pipeline.processor.onEnd(spanWith());
    await pipeline.forceFlush();
    expect(pipeline.stats()).toMatchObject({ delivered: 1 });
  });
});

describe('a diag logger', () => {
  it('that makes spans makes none of a variable that is ignored', () => {
    const { names } = recordTracing();
    let told = 0;
    const warn = () => {
      told += 1;
      trace.getTracer('logger').startSpan('log').end();
    };
    diag.setLogger({ error() {}, warn, info() {}, debug() {}, verbose() {} }, { suppressOverrideMessage: true });
    onTestFinished(() => diag.disable());
    openSink({ environment: { OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' } });
    expect([told, names()]).toEqual([1, []]);
  });

  it('that makes spans does not feed itself', async () => {
    const { names } = recordTracing();
    const suppressed: boolean[] = [];
    const warn = () => {
      suppressed.push(isTracingSuppressed(context.active()));
      trace.getTracer('logger').startSpan('log').end();
    };
    diag.setLogger(
      { error() {}, warn, info() {}, debug() {}, verbose() {} },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
    onTestFinished(() => diag.disable());
    const backend = await startBackend({ answers: { status: 503 } });
    const pipeline = startPipeline(openSink({ url: backend.url }));
    pipeline.processor.onEnd(spanWith());
    await pipeline.forceFlush();
    await pipeline.shutdown();
    expect(suppressed.length).toBeGreaterThan(0);
    expect(suppressed).not.toContain(false);
    expect(names()).toEqual([]);
  });
});
