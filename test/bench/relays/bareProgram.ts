import { answer } from '../../scenarios/child.ts';

/** Node and nothing else, as a program. */
export function runBareNode(): void {
  answer({ peakBytes: () => process.memoryUsage.rss() });
  process.on('disconnect', () => process.exit(0));
}
