/** For operators that are built on this one. */
export type { Merged } from './merged.ts';
export { type MergePlan, Merging } from './merging.ts';
