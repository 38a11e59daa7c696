import type { RelayAddress, RelayReport, RelayStats } from '../../relay/api.ts';
import type { RelayConfig } from '../../relay/options.ts';

/** What the primary process tells a worker. */
export type ToWorker =
  | { readonly kind: 'start' | 'reload'; readonly config: RelayConfig }
  | { readonly kind: 'stats'; readonly id: number }
  | { readonly kind: 'shutdown' };

/** What a worker tells the primary process. */
export type FromWorker =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'ready'; readonly address: RelayAddress }
  | { readonly kind: 'stats'; readonly id: number; readonly stats: RelayStats }
  | { readonly kind: 'drained'; readonly report: RelayReport }
  /** `isMistake`: by how it was called or configured. */
  | { readonly kind: 'failed'; readonly message: string; readonly isMistake: boolean };
