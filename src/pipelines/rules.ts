import { aSinkFor } from '../destination/sinkRule.ts';
import { anObject, type Mistakes, must, type Rule } from '../internal/validation.ts';
import type { SignalName } from '../model/signal.ts';
import { EXPORT_TO_RULES } from '../operators/exportTo/options.ts';
import { type Branches, isSink, sinkOf } from '../operators/fanOut/options.ts';

// The rules of what pipelines have in common, besides the options of their stages.

/** Each of them is a function of an Observable. What it makes can only be known when it runs. */
export function someOperators(operators: unknown, option: string, call: Mistakes): void {
  if (!Array.isArray(operators)) call.add(option, 'an array of RxJS operators: [filter(…), map(…)]', operators);
  else for (const [index, operator] of operators.entries()) anOperator(operator, `${option}[${index}]`, call);
}

/** Either one sink, or several by their names. */
export function oneWayOut(signal: SignalName): Rule {
  return (sink, option, call) => {
    if (sink !== undefined && call.hasValue('sinks')) call.add(option, 'left out where there are sinks', sink);
    else if (sink !== undefined || !call.hasValue('sinks')) aSinkFor(signal)(sink, option, call);
  };
}

/** What else is wrong with a branch is found when it is made. */
export function sinksFor(signal: SignalName): Rule {
  return (branches, option, call) => {
    anObject(branches, option, call);
    for (const [name, branch] of Object.entries((branches ?? {}) as Branches<unknown>)) {
      const place = isSink(branch) ? name : `${name}.sink`;
      const given = sinkOf(branch);
      if (given !== undefined) aSinkFor(signal)(given, `${option}.${place}`, call);
    }
  };
}

const anOperator = must('an RxJS operator: filter(…), map(…) or pipe(…)', (value) => typeof value === 'function');

/** One for several backends would stop all of them when one is dead. */
export function ofOneBackend(breaker: unknown, option: string, call: Mistakes): void {
  if (breaker !== undefined && call.hasValue('sinks')) call.add(option, 'given to each of the sinks', breaker);
  else EXPORT_TO_RULES.breaker(breaker, option, call);
}
