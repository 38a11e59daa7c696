/** A worker, as far as the choice of the next one looks at it. */
export interface WorkerPlace {
  /** `idle`: its thread waits for work · `unstarted`: it has no thread · `busy`: it works, or is being aborted. */
  readonly state: 'idle' | 'unstarted' | 'busy';
  /** Whether work waits that only this worker may do. */
  readonly hasOwnWork: boolean;
}

/**
 * Which worker takes the next piece of work, or -1 if none can.
 *
 * A thread that is there is taken before another one is started, the first one first: so at low load the later ones become idle for long enough to be ended.
 *
 * @param hasSharedWork whether work waits that any worker may do
 * @param mayStart whether a thread may be started now
 */
export function nextWorker(places: readonly WorkerPlace[], hasSharedWork: boolean, mayStart: boolean): number {
  const wanted = (state: WorkerPlace['state']) =>
    places.findIndex((place) => place.state === state && (hasSharedWork || place.hasOwnWork));
  const idle = wanted('idle');
  if (idle >= 0 || !mayStart) return idle;
  return wanted('unstarted');
}
