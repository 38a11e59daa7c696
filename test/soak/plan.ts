// What a run is made of: the backend is well, then dead in one way, then well again, and so on for each way.

export type Protocol = 'http' | 'grpc';

/** How a backend is dead. `refused`: nobody listens · `silent`: it takes requests, keeps their spans, and never answers · `unavailable`: it answers 503, or UNAVAILABLE. */
export type Death = 'refused' | 'silent' | 'unavailable';

export type BackendState = 'well' | Death;

export const DEATHS: readonly Death[] = ['refused', 'silent', 'unavailable'];

/** What the pipeline is given. What is left out has its default. */
export interface Limits {
  /** How long a batch is tried. A backend that is dead for longer is dead for good. */
  readonly maxElapsedMillis: number;
  readonly attemptTimeoutMillis?: number;
  readonly maxBackoffMillis?: number;
  readonly maxQueueSize?: number;
  readonly maxExportBatchSize?: number;
  readonly maxUnsettledBatches?: number;
  readonly memoryBytes?: number;
  /** Attempts in flight, at most. */
  readonly maxLimit?: number;
}

export interface SoakPlan {
  readonly protocol: Protocol;
  readonly perSecond: number;
  /** A phase is a row of slices. After each of them the heap is collected and measured. */
  readonly slices: number;
  readonly sliceMillis: number;
  /** `--max-old-space-size` of the sender. */
  readonly heapMiB: number;
  readonly limits: Limits;
}

/** No wait of a run takes nearly as long. Whoever is still there then is ended. */
export function boundMillis({ slices, sliceMillis }: Pick<SoakPlan, 'slices' | 'sliceMillis'>): number {
  return 120_000 + 4 * (1 + 2 * DEATHS.length) * slices * sliceMillis;
}
