import type { SpanflowError } from '../../model/errors.ts';

/** A `Uint8Array<ArrayBuffer>`, in words that TypeScript 5.4 knows, too. */
export type OwnBytes = ReturnType<Uint8Array['slice']>;

/** Options of the encoders: what happens to an item that OTLP cannot express. */
export interface EncodeOptions<Item> {
  /**
   * Called with each item that OTLP cannot express, and with a `SpanflowError` of code `UNENCODABLE`; the other items are encoded.
   * Without it (the default) the first such item makes the call throw, so that no item is left out silently.
   * What this callback itself throws is ignored: it must not cost the other items.
   */
  readonly onUnencodable?: (item: Item, error: SpanflowError) => void;
}
