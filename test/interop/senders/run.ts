import type { Finding } from '../equality.ts';
import { arrivals } from './receiving.ts';
import { COMPRESSIONS, NoSender, type Sender } from './sender.ts';

/** What the program of each language sends, in every way that its SDK has. A language that cannot be had here is said in a loud line. */
export async function findingsOfSenders(senders: readonly Sender[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const sender of senders) {
    try {
      for (const protocol of sender.protocols) {
        for (const compression of COMPRESSIONS) findings.push(...(await arrivals(sender, protocol, compression)));
      }
    } catch (error) {
      if (!(error instanceof NoSender)) throw error;
      console.warn(`NO ${sender.name.toUpperCase()}: it sent nothing, because ${error.message}.`);
    }
  }
  return findings;
}
