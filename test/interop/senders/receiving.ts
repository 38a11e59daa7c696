import { spawn } from 'node:child_process';
import type { Observable } from 'rxjs';
import { type OtlpReceiver, otlpReceiver, type ReceiverAddress } from '../../../src/inputs/otlpReceiver/index.ts';
import type { Batch } from '../../../src/model/batch.ts';
import type { MetricDataPoint } from '../../../src/model/metricDataPoint.ts';
import type { SignalName } from '../../../src/model/signal.ts';
import type { ResourceMetrics } from '../../../src/otlp/index.ts';
import { SIGNALS } from '../collector/configuration.ts';
import { firstDifference } from '../difference.ts';
import type { Entry } from '../entry.ts';
import type { Finding } from '../equality.ts';
import { sentPoints, sentRecords, sentSpans } from '../sent.ts';
import { canonical } from './canonical.ts';
import { Heads } from './heads.ts';
import { madeEntries, type Printed } from './made.ts';
import type { Compression, Sender, SenderProtocol } from './sender.ts';

const RUN_BOUND_MILLIS = 120_000;

/** Has a program send all signals in one way to a receiver of its own, and compares what the receiver emits with what the program has made. */
export async function arrivals(sender: Sender, protocol: SenderProtocol, compression: Compression): Promise<Finding[]> {
  const command = await sender.ready();
  using heads = new Heads();
  const receiver = otlpReceiver({ http: { port: 0 }, grpc: { port: 0 } });
  const arrived = entriesOf(receiver);
  try {
    const address = await receiver.listen();
    const printed = await run(command, variablesFor(address, protocol, compression));
    await receiver.shutdown();
    const made = madeEntries(printed, sender.abilities);
    const trouble = refusalsOf(receiver) ?? heads.wrong(protocol, compression);
    const way = `${sender.name}, ${protocol}, ${compression}`;
    return SIGNALS.map((signal) => {
      const difference =
        trouble ?? firstDifference(canonical(signal, made[signal]), canonical(signal, arrived[signal]));
      return { way, signal, items: made[signal].length, difference };
    });
  } finally {
    await receiver.shutdown();
  }
}

/** Fills as requests come. */
function entriesOf(receiver: OtlpReceiver): Readonly<Record<SignalName, Entry[]>> {
  const entries: Readonly<Record<SignalName, Entry[]>> = { traces: [], logs: [], metrics: [] };
  const collect = <T>(signal: SignalName, batches$: Observable<Batch<T>>, read: (items: readonly T[]) => Entry[]) => {
    batches$.subscribe(({ items }) => entries[signal].push(...read(items)));
  };
  collect('traces', receiver.traces$, sentSpans);
  collect('logs', receiver.logs$, sentRecords);
  collect('metrics', receiver.metrics$, (points) => sentPoints(points.map(collectionOf)));
  return entries;
}

function collectionOf({ resource, scope, metric, point }: MetricDataPoint): ResourceMetrics {
  return { resource, scopeMetrics: [{ scope, metrics: [{ ...metric, dataPoints: [point] }] }] };
}

const GRPC_OK = '0';

/** Any answer but success would mean that the program sends again, or gives up. */
function refusalsOf(receiver: OtlpReceiver): string | undefined {
  const { http, grpc } = receiver.stats().answers;
  const refused = Object.entries({ ...http, ...grpc }).filter(([answer]) => answer !== '200' && answer !== GRPC_OK);
  return refused.length === 0 ? undefined : `answered ${JSON.stringify(Object.fromEntries(refused))}`;
}

/** What the exporters of every language configure themselves by. Nothing else of OpenTelemetry's is taken from whoever runs this. */
function variablesFor({ http, grpc }: ReceiverAddress, protocol: SenderProtocol, compression: Compression) {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_'));
  return {
    ...Object.fromEntries(others),
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(protocol === 'grpc' ? grpc : http)?.port}`,
    // Not `none`: over gRPC, Python takes that for a mistake.
    ...(compression === 'gzip' && { OTEL_EXPORTER_OTLP_COMPRESSION: compression }),
  };
}

function run([command, ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<Printed> {
  return new Promise((resolve, reject) => {
    const child = spawn(command as string, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_BOUND_MILLIS });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.err += text;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(said.out) as Printed);
      else reject(new Error(`${command} ended with ${code ?? signal}. It said:\n${said.err.trim()}`));
    });
  });
}
