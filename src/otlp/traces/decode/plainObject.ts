/**
 * A constructor of plain objects: what it is given fills them.
 *
 * Where many objects of one literal once lived long, the engine makes all later ones old from their beginning, and whatever they hold
 * stays with them until it collects the whole heap. Those of a constructor begin young.
 */
export function plain<Made extends object, Given extends unknown[]>(
  fill: (this: Made, ...given: Given) => void,
): new (
  ...given: Given
) => Made {
  fill.prototype = Object.prototype;
  return fill as unknown as new (
    ...given: Given
  ) => Made;
}

/** An array of what it is given, which begins young likewise. */
export function listOf<Items extends unknown[]>(...items: Items): Items {
  return items;
}
