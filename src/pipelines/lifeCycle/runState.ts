import { BehaviorSubject, distinctUntilChanged, map, type Observable } from 'rxjs';
import type { PipelineState } from './options.ts';

/** The state of one pipeline. It is paused by a call of `pause()`, by its option `pauseWhen`, or by both, until both are over. */
export class RunState {
  readonly #state = new BehaviorSubject<PipelineState>('running');
  readonly #isPausedBy = { call: false, option: false }; // `pause()`, and `pauseWhen`
  #drains = 0; // drains at exit that are under way: they go on whoever has paused it

  /** The present state, and then each change. It completes when the pipeline is closed. */
  readonly state$: Observable<PipelineState> = this.#state.asObservable();
  /** Whether no export may begin. */
  readonly paused$: Observable<boolean> = this.state$.pipe(
    map((state) => state === 'paused'),
    distinctUntilChanged(),
  );

  get isPaused(): boolean {
    return this.#state.value === 'paused';
  }

  setPaused(by: 'call' | 'option', isPaused: boolean): void {
    this.#isPausedBy[by] = isPaused;
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

  close(): void {
    this.#state.next('closing');
  }

  closed(): void {
    this.#state.next('closed');
    this.#state.complete();
  }

  #update(): void {
    const present = this.#state.value;
    if (present === 'closing' || present === 'closed') return;
    const state = (this.#isPausedBy.call || this.#isPausedBy.option) && this.#drains === 0 ? 'paused' : 'running';
    if (state !== present) this.#state.next(state);
  }
}
