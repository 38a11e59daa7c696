/**
 * Next.js: this file and `instrumentation.node.ts` lie beside `app/` (in `src/`, if there is one). Next calls `register` once for each runtime, before it serves; the pipeline runs in that of Node. Next makes the spans of requests itself.
 *
 *     npm install @opentelemetry/sdk-node
 *     NEXT_MANUAL_SIG_HANDLE=true next start
 */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === 'nodejs') await import('./instrumentation.node');
}
