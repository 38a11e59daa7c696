/** What is drained when the event loop runs empty. */
export interface ExitDrain {
  /** A number that grows with everything that comes in. */
  taken(): number;
  /** Whether something has no end yet. */
  isPending(): boolean;
  /** Brings what is pending to its end, within a deadline for which it keeps the process alive. It never rejects. */
  drain(): Promise<void>;
  /** The process ends: nothing asynchronous happens any more. */
  atEnd(): void;
}

/** One listener for all pipelines: Node warns of more than ten. */
const atExit = new Set<{ whenEmpty(): void; atEnd(): void }>();

function runEmpty(): void {
  for (const work of [...atExit]) work.whenEmpty();
}

function runAtEnd(): void {
  for (const work of [...atExit]) work.atEnd();
}

/**
 * Drains whenever the event loop has run empty, and leaves everything open. A listener of `beforeExit` may find more work, and then Node emits it again; what came meanwhile is drained then. So a program
 * lives on for one deadline after it has added something, and not at all when it has added nothing.
 *
 * @param deadlineMillis that of a drain; 0: no drain at exit
 * @returns ends that
 */
export function drainAtExit(deadlineMillis: number, exit: ExitDrain): () => void {
  // A page of a browser ends without a word.
  const isInBrowser = globalThis.process?.on === undefined;
  if (deadlineMillis === 0 || isInBrowser) return () => {};
  let takenBefore = 0; // when the last drain began: what is still pending of that gets no second one
  let draining = false;
  const whenEmpty = () => {
    const taken = exit.taken();
    if (draining || taken === takenBefore || !exit.isPending()) return;
    takenBefore = taken;
    draining = true;
    exit.drain().finally(() => {
      draining = false;
    });
  };
  const work = { whenEmpty, atEnd: () => exit.atEnd() };
  if (atExit.size === 0) process.on('beforeExit', runEmpty).on('exit', runAtEnd);
  atExit.add(work);
  return () => {
    atExit.delete(work);
    if (atExit.size === 0) process.off('beforeExit', runEmpty).off('exit', runAtEnd);
  };
}
