/** A module that ends every thread which loads it. */
process.exit(9);
export const never = (chunk: number): number => chunk;
