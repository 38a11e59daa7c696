import { defer, map, type Observable, Subject, startWith } from 'rxjs';

/** A state that is read when it is looked at: at a subscription, and at each change while there is a subscriber. */
export class LiveState<S> {
  readonly #changes = new Subject<void>();
  readonly state$: Observable<S>;

  constructor(read: () => S) {
    this.state$ = defer(() => this.#changes.pipe(startWith(undefined), map(read)));
  }

  changed(): void {
    if (this.#changes.observed) this.#changes.next();
  }
}
