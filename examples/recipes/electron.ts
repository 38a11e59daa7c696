/**
 * Electron, main process: `will-quit` is held back until the spans are sent, or the deadline is over; then the application quits. Electron exits without waiting, so nothing would be sent after it.
 *
 *     npm install electron @opentelemetry/sdk-trace
 */
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { app, BrowserWindow } from 'electron';
import { otlpHttp, spanPipeline } from 'spanflow';

/** Someone is waiting for the window to go. */
const QUIT_DEADLINE_MILLIS = 2_000;

const pipeline = spanPipeline({ sink: otlpHttp(), shutdownDeadlineMillis: QUIT_DEADLINE_MILLIS }); // to OTEL_EXPORTER_OTLP_ENDPOINT
const provider = new TracerProvider({ spanProcessors: [pipeline.processor] });
const tracer = provider.getTracer('main');

let state: 'running' | 'sending' | 'sent' = 'running';
// Not `before-quit`: a window may still refuse to close then, and the application goes on.
app.on('will-quit', (event) => {
  if (state === 'sent') return;
  event.preventDefault();
  if (state === 'sending') return;
  state = 'sending';
  provider
    .shutdown()
    .catch((error) => console.warn(error))
    .finally(() => {
      state = 'sent';
      app.quit();
    });
});

const start = tracer.startSpan('start');
await app.whenReady();
const window = new BrowserWindow({ width: 800, height: 600 });
await window.loadURL('data:text/html,<title>spanflow</title>');
start.end();
