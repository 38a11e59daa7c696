import { existsSync } from 'node:fs';
import type { TestContext } from 'vitest';
import type { TestProject } from 'vitest/node';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

declare module 'vitest' {
  interface TaskMeta {
    /** The test has passed without a browser to look at. */
    withoutChromium?: boolean;
  }
}

/** Chromium: the one that `SPANFLOW_CHROMIUM` names, or else in one of the usual places; `undefined` where there is none. */
export function chromiumPath(): string | undefined {
  const { SPANFLOW_CHROMIUM: named } = process.env;
  return (named === undefined ? PLACES : [named]).find((place) => existsSync(place));
}

/** Marks a test that has no browser to look at. It passes, because Chromium is no package; how many there were is told at the end of the run. */
export function passWithoutChromium({ task }: Pick<TestContext, 'task'>): void {
  task.meta.withoutChromium = true;
}

/** Vitest's global setup: what it returns is called after all tests. */
export default function setup(project: TestProject): () => void {
  return () => {
    const modules = project.vitest.state.getTestModules();
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const { length } = tests.filter((test) => test.meta().withoutChromium);
    if (length === 0) return;
    const places = process.env.SPANFLOW_CHROMIUM ?? PLACES.join(', ');
    console.warn(
      `\nNO CHROMIUM at ${places}: ${length} tests that need a browser have NOT run, and count as passed. SPANFLOW_CHROMIUM names another place.`,
    );
  };
}
