/** The result of one item. */
export type Merged<T, R> =
  /** Its inner Observable completed. */
  | { readonly kind: 'completed'; readonly item: T; readonly index: number; readonly values: readonly R[] }
  /** `project` (or `key`) threw, or its inner Observable failed, after the values that it had emitted. */
  | {
      readonly kind: 'failed';
      readonly item: T;
      readonly index: number;
      readonly values: readonly R[];
      readonly error: unknown;
    };
