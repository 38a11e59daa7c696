import { exportHandle, otlpHttp } from '../../../src/index.ts';
import type { Way } from './way.ts';

/** Many callers, each of whom exports some spans, waits for the answer, and exports the next. */
export const sharedHandle: Way = ({ url, spans, window, callers, acknowledged, isOpen }) => {
  const handle = exportHandle(otlpHttp({ url }));
  const each = window / callers;
  let sent = 0;
  const call = async (): Promise<void> => {
    while (isOpen()) {
      const at = sent % spans.length;
      sent += each;
      const startedMillis = performance.now();
      await handle.export(spans.slice(at, at + each));
      acknowledged.add(each, performance.now() - startedMillis);
    }
  };
  const calls = Promise.all(Array.from({ length: callers }, call));
  return async () => {
    await calls;
    await handle.shutdown();
    return sent;
  };
};
