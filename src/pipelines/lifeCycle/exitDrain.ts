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

/** What is called when the event loop has run empty, and at the end of the process. One listener for all pipelines: Node warns of more than ten. */
const whenEmpty = new Set<() => void>();
const atEnd = new Set<() => void>();

function runEmpty(): void {
  for (const work of [...whenEmpty]) work();
}

function runAtEnd(): void {
  for (const work of [...atEnd]) work();
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
  if (globalThis.process?.on === undefined) return () => {};
  const leaveEnd = listen('exit', runAtEnd, atEnd, () => exit.atEnd());
  if (deadlineMillis === 0) return leaveEnd;
  const leaveEmpty = listen('beforeExit', runEmpty, whenEmpty, drainOnce(exit));
  return () => {
    leaveEmpty();
    leaveEnd();
  };
}

/** Drains, unless nothing has come since the last drain, or one is under way. */
function drainOnce(exit: ExitDrain): () => void {
  let takenBefore = 0; // when the last drain began: what is still pending of that gets no second one
  let draining = false;
  return () => {
    const taken = exit.taken();
    if (draining || taken === takenBefore || !exit.isPending()) return;
    takenBefore = taken;
    draining = true;
    exit.drain().finally(() => {
      draining = false;
    });
  };
}

function listen(event: 'beforeExit' | 'exit', run: () => void, all: Set<() => void>, work: () => void): () => void {
  if (all.size === 0) process.on(event as 'exit', run);
  all.add(work);
  return () => {
    if (all.delete(work) && all.size === 0) process.off(event, run);
  };
}
