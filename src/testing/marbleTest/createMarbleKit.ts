import { OutcomeValues } from '../expectations/outcomeValues.ts';
import type { RecordingPlan } from '../expectations/recordingExpectation.ts';
import type { LogShape } from '../marbles/logs.ts';
import type { PointShape } from '../marbles/points.ts';
import type { ScriptedSinkOptions } from '../marbles/scriptedSinkApi.ts';
import type { DrawnObservable } from '../marbles/sources.ts';
import type { SpanShape } from '../marbles/spans.ts';
import { parseTime } from '../marbles/syntax.ts';
import { createVirtualTime } from '../time/virtualTime.ts';
import type { MarbleKit, Values } from './marbleKit.ts';
import type { MarbleRun } from './marbleRun.ts';

/** The functions that a marble test gets, bound to one run. */
export function createMarbleKit(run: MarbleRun): MarbleKit {
  const sources = {
    hot: sourceOf(run, 'hot'),
    cold: sourceOf(run, 'cold'),
    hotBatches: sourceOf(run, 'hotBatches'),
    coldBatches: sourceOf(run, 'coldBatches'),
  };
  return {
    ...createVirtualTime(run.clock),
    ...sources,
    ...expectationsOf(run),
    spans: <Shaped extends string>(shapes = {} as Record<Shaped, SpanShape>) => run.spans.shape<Shaped>(shapes),
    logs: <Shaped extends string>(shapes = {} as Record<Shaped, LogShape>) => run.logs.shape<Shaped>(shapes),
    points: <Shaped extends string>(shapes = {} as Record<Shaped, PointShape>) => run.points.shape<Shaped>(shapes),
    letters: (values) => {
      run.named.name(values);
      return values;
    },
    sink: <T>(...script: (string | ScriptedSinkOptions)[]) => run.sink<T>(script),
    onLoss: (loss, items) => run.reportLoss(loss, items),
    diagram: (name, options = {}) => run.diagram(name, options),
    time: parseTime,
  };
}

type Expecting = 'expectObservable' | 'expectBatches' | 'expectOutcomes';

function expectationsOf(
  run: MarbleRun,
): Pick<MarbleKit, Expecting | 'expectSubscriptions' | 'expectAttempts' | 'expectLedger'> {
  return {
    expectObservable: (source, subscription) => {
      const expect = run.record('expectObservable(…)', source, subscription);
      return {
        toBe: (marbles, values, ...error) => expect({ marbles, values: run.valuesOf(values), ...expectedError(error) }),
      };
    },
    expectBatches: (source, subscription) => {
      const expect = run.record('expectBatches(…)', source, subscription);
      return {
        toBe: (marbles, { values, closedBy, ...options } = {}) => {
          const error = 'error' in options ? [options.error] : [];
          const reasons = closedBy === undefined ? {} : { closedBy };
          expect({ marbles, values: run.valuesOf(values), ...reasons, ...expectedError(error) });
        },
      };
    },
    expectOutcomes: (source, subscription) => {
      const expect = run.record('expectOutcomes(…)', source, subscription);
      return {
        toBe: (marbles, outcomes = {}, ...error) => {
          const values = new OutcomeValues(outcomes, (items) => run.lettersOf(items));
          expect({ marbles, values, ...expectedError(error) });
        },
      };
    },
    expectSubscriptions: (log) => ({ toBe: (marbles) => run.expectSubscriptions(log, marbles) }),
    expectAttempts: (sink) => ({ toBe: (marbles, batches) => run.expectAttempts(sink, marbles, batches) }),
    expectLedger: (books, expected) => run.expectLedger(books, expected),
  };
}

function sourceOf(run: MarbleRun, title: 'hot' | 'cold' | 'hotBatches' | 'coldBatches') {
  const kind = title.startsWith('hot') ? 'hot' : 'cold';
  const batches = title.endsWith('Batches');
  return (marbles: string, given?: Values<unknown>, error: unknown = 'error'): DrawnObservable<never> =>
    run.source(kind, title, { marbles, error, batches }, given);
}

/** A given error is expected, even `undefined`. Without one, any error is accepted. */
function expectedError(given: readonly unknown[]): Pick<RecordingPlan, 'error'> {
  return given.length === 0 ? {} : { error: { value: given[0] } };
}
