import { durationText, valueText } from '../failures/text.ts';
import { batchItems } from '../marbles/batchItems.ts';
import { differenceBetween } from '../marbles/difference.ts';
import type { ObservedEvent } from '../marbles/recording.ts';
import { type Mark, markLetters } from '../marbles/syntax.ts';
import type { ValueTable } from '../marbles/values.ts';
import { type Comparison, isDrawnBy } from './comparison.ts';
import { CONTEXT_EVENTS, drawBothRows, eventText, markText } from './drawnEvents.ts';

/** The two rows with a caret under the first difference, that difference in words, and its values. */
export function explainMismatch(comparison: Comparison, index: number): string {
  const [mark, event] = [comparison.expected[index], comparison.observed[index]];
  const lines = [...mismatchRows(comparison, index), '', differenceWords(mark, event, comparison)];
  return [...lines, ...legend(mark, event, comparison)].join('\n');
}

function mismatchRows(comparison: Comparison, index: number): string[] {
  const from = Math.max(0, index - CONTEXT_EVENTS);
  const expected = comparison.expected.map((mark) => ({ frame: mark.frame, text: markText(mark) }));
  const near = comparison.observed.slice(from, index + CONTEXT_EVENTS + 1);
  const observed = near.map((event, at) => {
    const mark = comparison.expected[from + at];
    return {
      frame: event.frame,
      text:
        mark !== undefined && isDrawnBy(mark, event, comparison) ? markText(mark) : eventText(event, comparison.values),
    };
  });
  return drawBothRows(expected.slice(from, index + CONTEXT_EVENTS + 1), observed, index - from);
}

function differenceWords(mark: Mark | undefined, event: ObservedEvent | undefined, comparison: Comparison): string {
  const came = event === undefined ? '' : eventWords(event, comparison.values);
  if (mark === undefined) return `at ${durationText(event?.frame ?? 0)}: nothing more was expected, but ${came} came`;
  const wanted = markWords(mark);
  if (event === undefined) return `at ${durationText(mark.frame)}: ${wanted} was expected, but nothing more came`;
  if (mark.frame === event.frame) return `at ${durationText(mark.frame)}: ${wanted} was expected, but ${came} came`;
  if (isDrawnBy(mark, event, comparison)) {
    const late = event.frame - mark.frame;
    return `${wanted} was expected at ${durationText(mark.frame)} and came at ${durationText(event.frame)}: ${durationText(Math.abs(late))} ${late > 0 ? 'late' : 'early'}`;
  }
  if (mark.frame < event.frame) {
    return `at ${durationText(mark.frame)}: ${wanted} was expected, but nothing came; next came ${came} at ${durationText(event.frame)}`;
  }
  return `at ${durationText(event.frame)}: nothing was expected, but ${came} came; ${wanted} was expected at ${durationText(mark.frame)}`;
}

function markWords(mark: Mark): string {
  if (mark.kind === 'complete') return 'the end |';
  if (mark.kind === 'error') return 'the error #';
  return mark.kind === 'next' ? mark.letter : `the batch ${markText(mark)}`;
}

function eventWords(event: ObservedEvent, values: ValueTable): string {
  if (event.kind === 'complete') return 'the end |';
  if (event.kind === 'error') return 'the error #';
  return `${batchItems(event.value) === undefined || values.letterOf(event.value) !== undefined ? '' : 'the batch '}${eventText(event, values)}`;
}

/** One line for each letter of the difference, with its value. */
function legend(mark: Mark | undefined, event: ObservedEvent | undefined, comparison: Comparison): string[] {
  const lines = new Set<string>();
  const { values, error } = comparison;
  const [wanted, came] = differing(mark, event, values);
  for (const letter of wanted) lines.add(`  ${letter}  ${values.wordsOf(values.valueOf(letter))}`);
  for (const value of came) lines.add(`  ${values.letterOf(value) ?? '?'}  ${values.wordsOf(value)}`);
  if (mark?.kind === 'error' && error !== undefined) lines.add(`  #  was expected to be ${valueText(error.value)}`);
  if (event?.kind === 'error') lines.add(`  #  ${mark?.kind === 'error' ? 'was' : 'is'} ${valueText(event.error)}`);
  const pairs = wanted.length > 0 && came.length > 0 ? [[values.valueOf(wanted[0] ?? ''), came[0]]] : [];
  if (mark?.kind === 'error' && event?.kind === 'error' && error !== undefined) pairs.push([error.value, event.error]);
  for (const [one, other] of pairs) for (const line of lookalikes(one, other, values)) lines.add(line);
  return [...lines];
}

/** Where two values differ that look the same in words. */
function lookalikes(expected: unknown, was: unknown, values: ValueTable): string[] {
  if (values.wordsOf(expected) !== values.wordsOf(was)) return [];
  const difference = differenceBetween(expected, was);
  if (difference === undefined) return [];
  if (difference.path.length === 0) return ['  they look the same, and are not identical'];
  const [wanted, came] = [valueText(difference.expected), valueText(difference.was)];
  const words = wanted === came ? '' : `: ${wanted} was expected, but it was ${came}`;
  return [`  they differ in ${difference.path.map(String).join('.')}${words}`];
}

/** The first expected letter and the first observed value that differ; of two batches the common beginning is skipped. */
function differing(
  mark: Mark | undefined,
  event: ObservedEvent | undefined,
  values: ValueTable,
): [readonly string[], readonly unknown[]] {
  const letters = mark === undefined ? [] : markLetters(mark);
  const came = event?.kind === 'next' ? itemsUnlessDrawn(event.value, values) : [];
  let same = 0;
  while (same < letters.length && same < came.length && values.matches(letters[same] ?? '', came[same])) same += 1;
  return same === letters.length && same === came.length
    ? [letters.slice(0, 1), []]
    : [letters.slice(same, same + 1), came.slice(same, same + 1)];
}

function itemsUnlessDrawn(value: unknown, values: ValueTable): readonly unknown[] {
  return values.letterOf(value) === undefined ? (batchItems(value) ?? [value]) : [value];
}
