import { catchError, EMPTY, ignoreElements, merge, NEVER, type Observable, Subscription } from 'rxjs';
import { answerOf } from '../internal/runGuarded.ts';
import { after, outsideAnyContext } from '../internal/timers.ts';
import { settingsOf } from '../internal/validation.ts';
import { type Canvas, isTerminal, LogCanvas, TerminalCanvas } from './canvas.ts';
import { count } from './cells.ts';
import {
  type Gauge,
  isOneSource,
  LOG_INTERVAL_MILLIS,
  STATS_TO_CONSOLE_RULES,
  type StatsDisplay,
  type StatsSource,
  type StatsToConsoleOptions,
  type StatsToConsoleSettings,
  someSources,
  statsToConsoleDefaults,
  TERMINAL_INTERVAL_MILLIS,
} from './options.ts';
import { GaugeSamples, Samples } from './samples.ts';

/**
 * Shows the statistics of a running pipeline on a terminal, as sparklines that are drawn again in place; elsewhere it writes a line every some seconds.
 *
 * ```text
 * spanflow       batch size 512  in flight 2
 *   offered/s    ▁████████████                      1,000
 *   pending      ▁▂▃▄▅▆▇██▇▅▄▂                        100
 *   delivered/s  ▁▃▃▃▃▃▃▃▃▄▆▇█                      2,100
 *   lost         ▁▁▁▁▁▁▁▁▁▁▁▁▁                          0
 * ```
 *
 * Several pipelines are shown below each other, each by its name, with one scale for a row of all, so that they can be compared: `statsToConsole({ spans, logs })`. Rates are means of the last second. `pending` is what has no outcome yet: in a
 * queue, in flight, or waiting for the next attempt. `lost` includes what was refused at the way in.
 *
 * **Ends** with `close()`, when `stats$` of all has completed (a pipeline was shut down), or when the stream fails; the last state is shown before. It never keeps the process alive, keeps a few hundred samples, and leaves a picture out while the
 * stream has not taken the one before.
 *
 * **Colour**: as the stream has it; `NO_COLOR`, `FORCE_COLOR` and `TERM` count. What else is written to the same terminal meanwhile is drawn over, so a program that prints to it writes to another stream, or closes the display first.
 *
 * @param pipelines a pipeline, a ledger, or an object of them, by name
 *
 * @throws InvalidOptionError when `pipelines` has no `stats()`, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const pipeline = spanPipeline({ sink });
 * const display = statsToConsole(pipeline, { gauges: { 'heap, MB': () => process.memoryUsage().heapUsed / 1e6 } });
 * await pipeline.shutdown(); // closes it, too
 * display.close();
 * ```
 */
export function statsToConsole(
  pipelines: StatsSource | Readonly<Record<string, StatsSource>>,
  options: StatsToConsoleOptions = {},
): StatsDisplay {
  const args = { pipelines: [pipelines, someSources] } as const;
  const defaults = statsToConsoleDefaults();
  const settings = settingsOf('statsToConsole', defaults, STATS_TO_CONSOLE_RULES, options, args);
  const sources = isOneSource(pipelines) ? { spanflow: pipelines } : pipelines;
  const display = outsideAnyContext(() => new Display(sources, settings));
  return { close: () => display.close(), [Symbol.dispose]: () => display.close() };
}

class Display {
  readonly #sources: ReadonlyMap<string, StatsSource>;
  readonly #settings: StatsToConsoleSettings;
  readonly #intervalMillis: number;
  readonly #canvas: Canvas;
  readonly #shown: { readonly gauges: Map<string, GaugeSamples>; readonly sources: Map<string, Samples> };
  readonly #subscription = new Subscription();
  #timer = Subscription.EMPTY; // for the next sample
  #writing = 0; // texts that the stream has not taken yet
  #isClosed = false;

  constructor(sources: Readonly<Record<string, StatsSource>>, settings: StatsToConsoleSettings) {
    const onTerminal = isTerminal(settings.stream);
    this.#sources = new Map(Object.entries(sources));
    this.#settings = settings;
    this.#intervalMillis = settings.intervalMillis ?? (onTerminal ? TERMINAL_INTERVAL_MILLIS : LOG_INTERVAL_MILLIS);
    this.#canvas = onTerminal ? new TerminalCanvas(settings.stream) : new LogCanvas(settings.stream);
    this.#shown = { gauges: emptyFor(settings.gauges, GaugeSamples), sources: emptyFor(sources, Samples) };
    settings.stream.on('error', this.#onStreamError);
    for (const [name, source] of this.#sources) this.#followState(name, source);
    this.#sample();
    if (onTerminal) this.#draw();
    this.#arm();
    // When all sources have ended, the display closes, and each of them is asked a last time.
    this.#subscription.add(endOf([...this.#sources.values()]).subscribe({ complete: () => this.close() }));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#sample();
    this.#draw();
    this.#end();
  }

  #followState(name: string, { state$ = NEVER }: StatsSource): void {
    const next = (state: string) => {
      const samples = this.#shown.sources.get(name);
      if (samples !== undefined) samples.state = String(state);
    };
    this.#subscription.add(state$.subscribe({ next, error() {} }));
  }

  #arm(): void {
    this.#timer = after(this.#settings.scheduler, this.#intervalMillis, () => {
      this.#sample();
      if (this.#writing === 0) this.#draw();
      if (!this.#isClosed) this.#arm();
    });
  }

  #sample(): void {
    const atMillis = this.#settings.scheduler.now();
    for (const [name, source] of this.#sources) {
      const stats = answerOf(
        () => source.stats(),
        undefined,
        () => {},
      );
      if (stats !== undefined) this.#shown.sources.get(name)?.add(stats, atMillis);
    }
    for (const [name, gauge] of Object.entries(this.#settings.gauges)) {
      const { value, text } = measured(answerOf(gauge, Number.NaN, () => {}));
      this.#shown.gauges.get(name)?.add(value, text);
    }
  }

  #draw(): void {
    const text = this.#canvas.textOf(this.#shown);
    if (text === '') return;
    this.#writing += 1;
    this.#settings.stream.write(text, () => {
      this.#writing -= 1;
      if (this.#isClosed) this.#forgetStream();
    });
  }

  #end(): void {
    this.#isClosed = true;
    this.#timer.unsubscribe();
    this.#subscription.unsubscribe();
    this.#forgetStream();
  }

  /** Its error would be uncaught without a listener, so the listener stays until everything is written. */
  #forgetStream(): void {
    if (this.#writing === 0) this.#settings.stream.removeListener('error', this.#onStreamError);
  }

  readonly #onStreamError = (): void => {
    if (!this.#isClosed) this.#end();
  };
}

/** Completes when all of them have ended. */
function endOf(sources: readonly StatsSource[]): Observable<never> {
  const ends = sources.map(({ stats$ = NEVER }) =>
    stats$.pipe(
      ignoreElements(),
      catchError(() => EMPTY),
    ),
  );
  return merge(...ends);
}

function emptyFor<S>(named: object, Kind: new () => S): Map<string, S> {
  return new Map(Object.keys(named).map((name) => [name, new Kind()]));
}

/** A gauge that throws, or gives no number, is shown as `?`. */
function measured(gauge: Gauge): { value: number; text: string } {
  if (typeof gauge === 'number') return Number.isFinite(gauge) ? { value: gauge, text: count(gauge) } : UNKNOWN;
  const { value, text } = gauge ?? {};
  return Number.isFinite(value) && typeof text === 'string' ? { value, text } : UNKNOWN;
}

const UNKNOWN = Object.freeze({ value: 0, text: '?' });
