import type { Contestant } from './rounds.ts';

/** One task on one workload: what stands beside each other, spanflow first. */
export interface CodecTask {
  readonly workload: string;
  readonly contestants: Contestant[];
}

/** With one input after the other. */
export function inTurn<Input>(
  name: string,
  items: number,
  inputs: readonly Input[],
  run: (input: Input) => unknown,
): Contestant {
  let at = 0;
  return { name, run: () => run(inputs[at++ % inputs.length] as Input), items };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What reading the syntax of a body in JSON costs. */
export function parsedBody(body: Uint8Array): unknown {
  return JSON.parse(utf8.decode(body));
}
