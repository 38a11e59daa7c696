// Received items often live for a while: in a queue, in a batch, until they are sent. V8 then allocates what the same literal makes
// later directly in the old generation, where it stays until a collection of the whole heap, even if it is dropped at once. The
// objects of a constructor, and arrays of rest arguments, are allocated in the young generation always. A receiver that holds 10,000
// spans of a few fields takes half of the CPU time and half of the peak heap with them (`npm run bench -- --only receive`).

/** Makes a constructor of plain objects from a function that fills them. */
export function plainConstructor<Made extends object, Given extends unknown[]>(
  fill: (this: Made, ...given: Given) => void,
): new (
  ...given: Given
) => Made {
  fill.prototype = Object.prototype;
  return fill as unknown as new (
    ...given: Given
  ) => Made;
}

/** An array of its arguments. */
export function listOf<Items extends unknown[]>(...items: Items): Items {
  return items;
}
