import { Child } from '../../scenarios/child.ts';
import type { RelaySenderInput, Sent } from '../programs/relaySender.ts';
import type { Backend } from '../support/children.ts';
import { sleep } from '../support/program.ts';
import type { OpenedRelay } from './opened.ts';
import type { RelayCost } from './relayProgram.ts';

/** What a sender is to do. */
export type Sending = Omit<RelaySenderInput, 'origin'>;

export interface Relayed extends RelayCost, Sent {
  /** Spans that arrived. */
  readonly taken: number;
}

const BOUND_MILLIS = 600_000;
/** How long the last spans may take to arrive. Batches wait for 200 ms. */
const ARRIVAL_MILLIS = 10_000;
const LOOK_MILLIS = 20;

/** Sends through relays at the same time, each of which has a sender of its own: what arrived, and what that cost all of them. */
export async function relayed(relays: readonly OpenedRelay[], sending: Sending, backend: Backend): Promise<Relayed> {
  const senders = relays.map(({ origin }) => senderTo(origin, sending));
  try {
    const warmUps = await Promise.all(senders.map((sender) => sender.ask<Sent>('warmUp')));
    await arrived(backend, spansOf(warmUps));
    await Promise.all(relays.map((relay) => relay.begin()));
    const sent = await Promise.all(senders.map((sender) => sender.ask<Sent>('send')));
    const taken = await arrived(backend, spansOf(sent));
    const costs = await Promise.all(relays.map((relay) => relay.take()));
    return {
      ...{ spans: spansOf(sent), seconds: Math.max(...sent.map(({ seconds }) => seconds)), taken },
      cpuMicros: costs.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0),
      peakBytes: costs.reduce((sum, { peakBytes }) => sum + peakBytes, 0),
    };
  } finally {
    await Promise.all(senders.map((sender) => sender.end()));
    await Promise.all(relays.map((relay) => relay.close()));
  }
}

function senderTo(origin: string, sending: Sending): Child {
  const input: RelaySenderInput = { ...sending, origin };
  return new Child('../bench/programs/relaySender', input, { boundMillis: BOUND_MILLIS });
}

function spansOf(sent: readonly Sent[]): number {
  return sent.reduce((sum, { spans }) => sum + spans, 0);
}

/** Waits until so many spans have arrived, or for so long that they will not. */
async function arrived(backend: Backend, expected: number): Promise<number> {
  const until = performance.now() + ARRIVAL_MILLIS;
  let { spans } = await backend.take();
  while (spans < expected && performance.now() < until) {
    await sleep(LOOK_MILLIS);
    spans += (await backend.take()).spans;
  }
  return spans;
}
