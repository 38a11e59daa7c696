import { firstValueFrom } from 'rxjs';
import { NO_HOLD } from '../../../src/model/batch.ts';
import { otlpGrpc } from '../../../src/sinks/otlpGrpc/index.ts';
import { spanWith } from '../../support/spans.ts';
import { input, report, timers } from './kit.ts';

const { url, timeoutMillis } = input<{ url: string; timeoutMillis: number }>();
const sink = otlpGrpc({ url, timeoutMillis, environment: {} });
const batch = { items: [spanWith()], bytes: 0, closedBy: 'count' as const, hold: () => NO_HOLD };

// Not shut down: what is idle then does not hold the process. The wait for the answer does.
const hold = setInterval(() => {}, 1_000);
const answer = await firstValueFrom(sink.export(batch)).then(
  (response) => ({ response }),
  (error: Error) => ({ failure: error.message }),
);
clearInterval(hold);
report('answered', { ...answer, timers: await timers() });
