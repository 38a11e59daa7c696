import { expect, it } from 'vitest';
import { run } from './child.ts';

it('a wait is over at once when a process that stood still goes on: its clock has gone on', async () => {
  const letGoOn: NodeJS.Timeout[] = [];
  let stoodMillis = 0;
  const standStill = async (pid: number) => {
    const since = performance.now();
    // Somebody else has waited meanwhile as long as it was to wait.
    await run('frozen', { input: { stands: false } });
    stoodMillis = performance.now() - since;
    // Again and again: only a process that has stopped already can be let go on.
    letGoOn.push(setInterval(() => process.kill(pid, 'SIGCONT'), 20));
  };
  let stood: Promise<void> | undefined;
  const onReport = ({ is, pid }: { is: string; pid?: unknown }) => {
    if (is === 'waiting') stood = standStill(Number(pid));
    if (is === 'over') for (const timer of letGoOn) clearInterval(timer);
  };
  const program = await run('frozen', { input: { stands: true }, onReport });
  await stood;
  expect(program).toMatchObject({ code: 0, signal: null, faults: [] });
  expect(program.one('over').millis).toBeGreaterThanOrEqual(stoodMillis);
});
