import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { answer, inputOf } from '../../scenarios/child.ts';
import { type RelayName, type RelaySettings, relays } from './relays.ts';

export interface RelayInput extends RelaySettings {
  readonly relay: RelayName;
  /** Where a CPU profile is to be written, if one is wanted. */
  readonly profile?: string;
}

/** What relaying cost since it began. */
export interface RelayCost {
  readonly cpuMicros: number;
  /** The most memory that the process had at a time, its start included. */
  readonly peakBytes: number;
}

/** Each look takes a tenth of a millisecond. */
const LOOK_MILLIS = 200;
const session = new Session();

/** A relay between a sender and a backend, as a program: it is bundled, so nothing runs at its import. */
export function runRelay(): void {
  const { relay, profile, ...settings } = inputOf<RelayInput>();
  let cpu = process.cpuUsage();
  let peakBytes = 0;
  // Not `maxRSS`: on Linux that begins with the memory of whoever started the process.
  const look = () => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
  };
  setInterval(look, LOOK_MILLIS).unref();
  answer({
    listen: () => relays[relay](settings),
    begin: async () => {
      if (profile !== undefined) await startProfile();
      cpu = process.cpuUsage();
    },
    take: async (): Promise<RelayCost> => {
      const { user, system } = process.cpuUsage(cpu);
      if (profile !== undefined) await writeProfile(profile);
      return { cpuMicros: user + system, peakBytes };
    },
  });
  process.on('disconnect', () => process.exit(0));
}

async function startProfile(): Promise<void> {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
}

async function writeProfile(path: string): Promise<void> {
  const { profile: written } = await session.post('Profiler.stop');
  writeFileSync(path, JSON.stringify(written));
}
