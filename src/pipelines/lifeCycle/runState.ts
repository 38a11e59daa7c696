import { BehaviorSubject, type Observable } from 'rxjs';
import type { PipelineState } from './options.ts';

/** The state of one pipeline. It is paused by a call of `pause()`, by its option `pauseWhen`, or by both, until both are over. */
export class RunState {
  readonly #state = new BehaviorSubject<PipelineState>('starting');
  readonly #pause = new BehaviorSubject(false); // also before it has started, when the state does not tell
  readonly #isPausedBy = { call: false, option: false }; // `pause()`, and `pauseWhen`
  #drains = 0; // drains at exit that are under way: they go on whoever has paused it
  #isStarted = false;
  #isFailing = false; // the destination
  #end: 'draining' | 'stopped' | undefined;

  /** The present state, and then each change. It completes when the pipeline has stopped. */
  readonly state$: Observable<PipelineState> = this.#state.asObservable();
  /** Whether no export may begin. */
  readonly paused$: Observable<boolean> = this.#pause.asObservable();

  get isPaused(): boolean {
    return this.#pause.value;
  }

  setPaused(by: 'call' | 'option', isPaused: boolean): void {
    this.#isPausedBy[by] = isPaused;
    this.#update();
  }

  /** A stage that exports is subscribed. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#update();
  }

  set isFailing(isFailing: boolean) {
    this.#isFailing = isFailing;
    this.#update();
  }

  /** A pause is lifted until the returned function is called: the process is about to end, and what it holds would be lost. */
  lift(): () => void {
    this.#drains += 1;
    this.#update();
    return () => {
      this.#drains -= 1;
      this.#update();
    };
  }

  drain(): void {
    this.#end = 'draining';
    this.#update();
  }

  stop(): void {
    this.#end = 'stopped';
    this.#update();
    this.#state.complete();
  }

  #update(): void {
    const { call, option } = this.#isPausedBy;
    const isPaused = this.#end === undefined && (call || option) && this.#drains === 0;
    if (isPaused !== this.#pause.value) this.#pause.next(isPaused);
    const state = this.#end ?? (this.#isStarted ? stateOf(this.#pause.value, this.#isFailing) : 'starting');
    if (state !== this.#state.value) this.#state.next(state);
  }
}

function stateOf(isPaused: boolean, isFailing: boolean): PipelineState {
  if (isPaused) return 'paused';
  return isFailing ? 'degraded' : 'running';
}
