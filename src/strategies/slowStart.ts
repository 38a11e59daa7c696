/**
 * How traffic comes back after an outage: a few attempts in flight, one more for each that succeeds (which doubles them with each round trip, as in TCP's slow start), and one at a time again after one that
 * fails. It is over with a success for which nothing waits.
 */
export class SlowStart {
  #isOn = false;
  #permits = 1; // attempts in flight, at most
  #inFlight = 0; // since it began

  get admits(): boolean {
    return !this.#isOn || this.#inFlight < this.#permits;
  }

  start(permits: number): void {
    this.#isOn = true;
    this.#permits = permits;
    this.#inFlight = 0;
  }

  stop(): void {
    this.#isOn = false;
  }

  begin(): void {
    this.#inFlight += 1;
  }

  ended(result: 'success' | 'failure' | 'none', somethingWaits: boolean): void {
    this.#inFlight -= 1;
    if (result === 'success') this.#permits += 1;
    if (result === 'failure') this.#permits = 1;
    if (result === 'success' && !somethingWaits) this.stop();
  }
}
