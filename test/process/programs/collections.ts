import { constants, PerformanceObserver } from 'node:perf_hooks';

/** What the engine collected since it was asked to forget. */
export class Collections {
  #full = 0;
  #young = 0;

  constructor() {
    const observer = new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries() as unknown as { detail: { kind: number } }[]) {
        if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) this.#full += 1;
        if (detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) this.#young += 1;
      }
    });
    observer.observe({ entryTypes: ['gc'] });
  }

  async forget(): Promise<void> {
    await this.counted();
    this.#full = 0;
    this.#young = 0;
  }

  /** The observer is told when the program has a turn again. */
  async counted(): Promise<{ readonly full: number; readonly young: number }> {
    await new Promise((resolve) => setTimeout(resolve));
    return { full: this.#full, young: this.#young };
  }
}
