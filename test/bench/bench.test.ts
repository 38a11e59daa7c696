import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { dataFolder } from '../support/data.ts';

/** As `npm run bench -- --brief --json` prints it. Nothing here looks at how fast anything is. */
interface Printed {
  readonly machine: string;
  readonly data: string;
  readonly codec: { readonly rows: readonly { readonly what: string }[] };
  readonly receive: { readonly lines: readonly { readonly decoder: string }[] };
  readonly relay: Report;
  readonly throughput: Report;
  readonly offered: Report;
  readonly latency: Report;
  readonly isolation: Report;
  readonly intake: Report;
  readonly specification: Report;
  readonly durable: Report;
  readonly ways: { readonly lines: readonly { readonly way: string }[]; readonly accounts: readonly Account[] };
}

interface Report {
  readonly lines: readonly { readonly key: string; readonly what: string }[];
  readonly accounts: readonly Account[];
}

interface Account {
  readonly who: string;
  readonly offered: number;
  readonly taken: number;
}

/** Then something hangs: no measure of speed. */
const BOUND_MILLIS = 900_000;
const RECORDED = dataFolder() !== undefined;
const RECEIVERS = ['spanflow', 'protobufjs', 'none'];

describe('the benchmarks, each once and briefly', () => {
  let printed: Printed;

  beforeAll(async () => {
    const path = fileURLToPath(new URL('run.ts', import.meta.url));
    const options = { timeout: BOUND_MILLIS, killSignal: 'SIGKILL', maxBuffer: 16 * 1024 * 1024 } as const;
    // Not `start`: it measures `dist`, which the test of the package makes anew.
    const only = [
      '--only',
      'codec,receive,relay,throughput,offered,latency,isolation,intake,specification,ways,durable',
    ];
    const { stdout } = await promisify(execFile)(process.execPath, [path, '--brief', '--json', ...only], options);
    printed = JSON.parse(stdout);
  }, BOUND_MILLIS + 10_000);

  it('name Node, the processor and the origin of the spans', () => {
    expect(printed.machine).toContain(`Node ${process.versions.node}, `);
    expect(printed.data).toBe(RECORDED ? 'recorded and generated spans' : 'generated spans');
  });

  it('have a line for each figure that has a budget', () => {
    const { relay, throughput, offered, latency, isolation, intake, specification, durable } = printed;
    const keys = [relay, throughput, offered, latency, isolation, intake, specification, durable].flatMap(({ lines }) =>
      lines.map(({ key }) => key),
    );
    const recorded = RECORDED ? ['recorded', 'recorded'] : [];
    expect(keys).toEqual([
      ...['relayRequest', 'relayBare', 'relayFilter', 'relayMetrics', 'relayMemory'],
      ...['requestRate', 'requestCpu', ...recorded, 'bareRate', 'bareCpu'],
      ...['delivered', 'requests', 'deliveredFar', 'requestsFar', 'endOfSpan', 'loopDelay'],
      ...['goodDelivered', 'goodMedian', 'goodP99', 'isolationMemory', 'intake', 'specification', 'specificationOver'],
      ...['durableRate', 'durableRateNormal', 'durableP99', 'durableP99Normal', 'durableBytes'],
      ...['durableOpen', 'durableDrain', 'durableDelay'],
    ]);
  });

  it('have a row for each codec and workload, one for each receiver, and one for each way to export', () => {
    expect(printed.codec.rows).toHaveLength(29);
    const decoders = printed.receive.lines.map(({ decoder }) => decoder);
    expect(decoders).toEqual([...RECEIVERS, ...RECEIVERS, ...RECEIVERS]);
    const names = printed.ways.lines.map(({ way }) => way);
    expect(names).toEqual(['roundTrip', 'oneByOne', 'oneInFlight', 'streaming', 'sharedHandle']);
  });

  it('print finite numbers', () => {
    const numbers = numbersIn([
      printed.codec,
      printed.receive,
      printed.relay,
      printed.throughput,
      printed.offered,
      printed.latency,
      printed.isolation,
      printed.intake,
      printed.specification,
      printed.durable,
    ]);
    expect([...numbers, ...numbersIn(printed.ways)].filter((value) => !Number.isFinite(value))).toEqual([]);
  });

  // So briefly, what is offered to the backends of 50 and 200 ms (25,000 spans) fits the queue, and would arrive with one request at a time, too: whether the limit follows the distance is for `npm run bench`, and for the scenario 'far'.
  it('lose nothing where spanflow exports, nor where spans are offered as fast as they are delivered', () => {
    const { relay, throughput, offered, latency, isolation, intake, specification, ways, durable } = printed;
    const ours = [offered, latency, isolation, intake, specification, ways, durable].flatMap(
      ({ accounts }) => accounts,
    );
    const accounts = [...relay.accounts, ...throughput.accounts, ...ours.filter(({ who }) => who === 'spanflow')];
    expect(accounts.filter(({ offered, taken }) => offered === 0 || offered !== taken)).toEqual([]);
  });
});

/** Every number at every depth. What JSON has for those that are not finite is `null`. */
function numbersIn(value: unknown): number[] {
  if (value === null) return [Number.NaN];
  if (typeof value === 'number') return [value];
  return typeof value === 'object' ? Object.values(value).flatMap(numbersIn) : [];
}
