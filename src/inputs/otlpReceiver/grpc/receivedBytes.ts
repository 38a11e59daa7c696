import { Readable } from 'node:stream';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';

/**
 * Tells how many bytes of a call come, as they come. Returns what ends that; `undefined` where it cannot be told.
 *
 * `@grpc/grpc-js` says nothing of a message before it is whole, so this takes the stream that its calls keep to themselves (1.10 to 1.14 do). Where there is none, bytes are not counted, and nothing else changes: what is read at a time is bounded by the number of calls. It is the second listener, so that it neither begins nor holds back the reading.
 */
export function onBytes(
  call: ServerInterceptingCallInterface,
  tell: (bytes: number) => void,
): (() => void) | undefined {
  const { stream } = call as { readonly stream?: unknown };
  if (!(stream instanceof Readable) || stream.listenerCount('data') === 0) return undefined;
  const onData = (chunk: Uint8Array) => tell(chunk.length);
  stream.on('data', onData);
  return () => stream.off('data', onData);
}
