import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from '../../process/child.ts';
import { blackholePort } from '../../support/blackhole.ts';
import { authority } from '../../support/httpCertificates.ts';
import { batchOf, openSink } from '../../support/httpExports.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];

/** Sockets of this process that wait for an answer to their request to connect. */
function connecting(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'ConnectWrap').length;
}

/** Resolves as soon as it holds, and no sooner than a turn of the event loop later. */
async function until(condition: () => boolean): Promise<void> {
  do await new Promise((resolve) => setImmediate(resolve));
  while (!condition());
}

describe.each(['http', 'https'])('a host that does not answer requests to connect, by %s', (scheme) => {
  it('gets one attempt to connect at a time, and none after the last export is aborted', async () => {
    const port = await blackholePort();
    const { cert } = authority('spanflow blackhole');
    const sink = openSink({
      url: `${scheme}://127.0.0.1:${port}/v1/traces`,
      ...(scheme === 'https' && { tls: { ca: cert } }),
    });
    for (let round = 0; round < 3; round++) {
      let waiting = 0;
      const follower = { enter: (phase: string) => void (phase === 'connecting' && waiting++), answered: () => {} };
      const attempts = Array.from({ length: 8 }, () => sink.export(batchOf(SPANS), follower).subscribe());
      onTestFinished(() => {
        for (const attempt of attempts) attempt.unsubscribe();
      });
      await until(() => waiting >= 8 && connecting() > 0);
      expect(connecting()).toBe(1);
      for (const attempt of attempts) attempt.unsubscribe();
      await until(() => connecting() === 0);
    }
  });

  it('gets none after the end of the sink', async () => {
    const sink = openSink({ url: `${scheme}://127.0.0.1:${await blackholePort()}/v1/traces` });
    const errors: unknown[] = [];
    sink.export(batchOf(SPANS)).subscribe({ error: (error) => errors.push(error) });
    await until(() => connecting() === 1);
    await sink.shutdown?.();
    await until(() => connecting() === 0 && errors.length === 1);
    expect(errors).toMatchObject([{ failure: { kind: 'retryable' } }]);
  });
});

describe('a program whose backend does not answer requests to connect', () => {
  it.each([
    ['is not drained at exit', { exitDeadlineMillis: 0, attemptTimeoutMillis: 500 }],
    ['is drained at exit within its deadline', { exitDeadlineMillis: 1_000, attemptTimeoutMillis: 500 }],
    ['is drained at exit, by attempts that take longer', { exitDeadlineMillis: 1_000, attemptTimeoutMillis: 60_000 }],
  ])('ends by itself: it %s', async (_, options) => {
    const url = `http://127.0.0.1:${await blackholePort()}/v1/traces`;
    const program = await run('blackhole', { input: { url, ...options } });
    expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
    expect(program.one('exit')).toMatchObject({ delivered: 0 });
  });
});
