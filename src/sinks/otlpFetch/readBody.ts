import { monotonicScheduler } from '../../internal/scheduler.ts';
import { after } from '../../internal/timers.ts';
import { type Answer, MAX_PAUSE_MILLIS } from '../shared/http/contract.ts';

/** Reads the body of an answer, which `fetch` has decoded. It is left when it is too long, pauses for too long or breaks off. */
export async function readBody({ body }: Response, maxBytes: number): Promise<Answer['body']> {
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const leave = () => void reader.cancel().catch(() => {});
  try {
    for (;;) {
      const read = await withinPause(reader.read());
      if (read === undefined) {
        leave();
        return 'broken';
      }
      if (read.done) return joined(chunks, length);
      length += read.value.length;
      chunks.push(read.value);
      if (length > maxBytes) {
        leave();
        return 'tooLong';
      }
    }
  } catch {
    return 'broken';
  }
}

/** Resolves with `undefined` if nothing has come for too long. */
function withinPause<R>(read: Promise<R>): Promise<R | undefined> {
  return new Promise((resolve, reject) => {
    const pause = after(monotonicScheduler, MAX_PAUSE_MILLIS, () => resolve(undefined));
    read.then(resolve, reject).finally(() => pause.unsubscribe());
  });
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
