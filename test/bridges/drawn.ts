import type { Observable } from 'rxjs';
import { createGate } from '../../src/gate.ts';

/** A gate that is closed at each `x` and opened at each `o`. */
export function drawnGate(drawing: Observable<string>) {
  const gate = createGate();
  let open: (() => void) | undefined;
  drawing.subscribe((letter) => {
    if (letter === 'x') open = gate.close();
    else open?.();
  });
  return gate;
}

/** Lets what is due have its turns: nothing is waited for but the event loop. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
