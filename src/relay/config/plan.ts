import type { OtlpReceiverOptions } from '../../inputs/otlpReceiver/options.ts';
import { OTLP_RECEIVER_DEFAULTS } from '../../inputs/otlpReceiver/options.ts';
import { aString, millis, optional, whole } from '../../internal/validation.ts';
import { RETRY_DEFAULTS } from '../../operators/exportTo/options.ts';
import { type RebatchOptions, rebatchSettings } from '../../operators/rebatch/options.ts';
import { configuredWay } from '../composition/configuredWay.ts';
import { BATCH_OPTIONS, OWNER, RELAY_DEFAULTS, type RelayCompose, type RelayConfig } from '../options.ts';
import { Checking, checkedElsewhere, checkedElsewhereAll } from './checking.ts';
import { type Processing, processingOf } from './process.ts';
import { receiverOptionsOf } from './receive.ts';
import { type Destination, destinationsOf } from './send.ts';

/** What a configuration comes to: everything is made and checked, and nothing runs. */
export interface Plan {
  readonly receiver: OtlpReceiverOptions;
  readonly compose: RelayCompose;
  readonly admin: { readonly host: string; readonly port: number } | undefined;
  readonly shutdownTimeoutMillis: number;
}

const WAY = ['process', 'batch', 'send'] as const;
const ADMIN_RULES = { host: aString, port: whole(0, 65_535) };

/**
 * @param compose the way of the program's own, instead of what the configuration says
 *
 * @throws InvalidOptionError with all mistakes
 */
export function planOf(config: RelayConfig, compose?: RelayCompose): Plan {
  const checking = new Checking(OWNER);
  const given = checking.section(OWNER, config, {
    ...checkedElsewhereAll(WAY),
    receive: checkedElsewhere,
    admin: checkedElsewhere,
    shutdownTimeoutMillis: optional(millis(1)),
  });
  if (typeof config !== 'object' || config === null || Array.isArray(config)) checking.raise();
  const { shutdownTimeoutMillis = RELAY_DEFAULTS.shutdownTimeoutMillis } = given as RelayConfig;
  const receiver = receiverOptionsOf(given.receive, `${OWNER}.receive`, checking);
  const admin = checking.section(`${OWNER}.admin`, given.admin, ADMIN_RULES);
  const way = compose ?? wayOf(given, receiver, checking);
  if (compose !== undefined)
    for (const name of WAY)
      if (given[name] !== undefined)
        checking.tell(`${OWNER}.${name}`, 'left out', 'must be left out, because the program composes the way itself');
  checking.raise();
  return {
    receiver: { ...receiver, shutdownTimeoutMillis },
    compose: way,
    admin: given.admin === undefined ? undefined : { ...RELAY_DEFAULTS.admin, ...admin },
    shutdownTimeoutMillis,
  };
}

function wayOf(
  given: Readonly<Record<string, unknown>>,
  { acknowledge, answerTimeoutMillis = OTLP_RECEIVER_DEFAULTS.answerTimeoutMillis }: OtlpReceiverOptions,
  checking: Checking,
): RelayCompose {
  const processing = processingOf(given.process, `${OWNER}.process`, checking);
  const batching = checking.section(`${OWNER}.batch`, given.batch, checkedElsewhereAll(BATCH_OPTIONS));
  checking.attempt(`${OWNER}.batch`, 'rebatch', () => rebatchSettings(batching as RebatchOptions<unknown>));
  const destinations = destinationsOf(given.send, `${OWNER}.send`, checking);
  const isDelivered = acknowledge === 'delivered';
  checkSampling(processing, isDelivered, checking);
  checkMetrics(processing, destinations, checking);
  const maxElapsedMillis = Math.min(
    RETRY_DEFAULTS.maxElapsedMillis,
    isDelivered ? answerTimeoutMillis : Number.POSITIVE_INFINITY,
  );
  return configuredWay({ processing, batching, destinations, maxElapsedMillis });
}

function checkSampling({ sampling }: Processing, isDelivered: boolean, checking: Checking): void {
  if (sampling === undefined || !isDelivered) return;
  const sentence =
    "must be left out where receive.acknowledge is 'delivered': it takes the batches apart and waits, so requests are answered before their spans are decided; choose acknowledge: 'accepted'";
  checking.tell(`${OWNER}.process.tailSample`, "left out with 'delivered'", sentence);
}

function checkMetrics(
  { metrics }: Processing,
  destinations: ReadonlyMap<string, Destination>,
  checking: Checking,
): void {
  const takesMetrics = [...destinations.values()].some(({ sinks }) => sinks.metrics !== undefined);
  if (metrics === undefined || takesMetrics || checking.hasFailed) return;
  const sentence = 'must be left out unless a destination takes metrics: its points would go nowhere';
  checking.tell(`${OWNER}.process.spanMetrics`, 'left out', sentence);
}
