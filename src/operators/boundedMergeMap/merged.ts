/**
 * The result of one item.
 *
 * `completed`: its inner Observable completed · `failed`: `project` (or `key`) threw, or its inner Observable failed, after the values that it had emitted.
 */
export type Merged<T, R> =
  | {
      readonly kind: 'completed';
      /** The item. */
      readonly item: T;
      /** Its position among all items of the source, from 0. */
      readonly index: number;
      /** What its inner Observable emitted, in that order. */
      readonly values: readonly R[];
    }
  | {
      readonly kind: 'failed';
      /** The item. */
      readonly item: T;
      /** Its position among all items of the source, from 0. */
      readonly index: number;
      /** What its inner Observable emitted before it failed, in that order. */
      readonly values: readonly R[];
      /** What was thrown. */
      readonly error: unknown;
    };
