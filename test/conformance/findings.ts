import { moment } from './moment.ts';
import { RULES, type Rule } from './rules.ts';
import { official } from './subjects/official.ts';
import { ours } from './subjects/ours.ts';
import type { Protocol, Subject, Who } from './subjects/subject.ts';
import { Workbench } from './workbench.ts';

/** How one subject kept one rule. */
export interface Finding {
  readonly rule: Rule;
  readonly subject: Subject;
  /** In what way it did not; empty if it did. */
  readonly seen: readonly string[];
}

const PROTOCOLS: readonly Protocol[] = ['http', 'grpc'];

/** Longer than any check takes on a slow machine. What has not ended by then is a finding. */
const MAX_CHECK_MILLIS = 40_000;

/** Who is put through a rule over a protocol: one subject, or over HTTP one for each encoding. */
export function subjectsOf(
  { protocols, encodings = ['protobuf', 'json'] }: Rule,
  who: Who,
  protocol: Protocol,
): Subject[] {
  if (protocols !== undefined && !protocols.includes(protocol)) return [];
  const subject = who === 'ours' ? ours : official;
  return protocol === 'grpc' ? [subject('grpc', 'protobuf')] : encodings.map((encoding) => subject('http', encoding));
}

/** A rule, and who is put through it. */
export interface Case {
  readonly rule: Rule;
  readonly subject: Subject;
}

/** In the order of the rules. */
export function casesOf(rules: readonly Rule[], who: Who): Case[] {
  return rules.flatMap((rule) =>
    PROTOCOLS.flatMap((protocol) => subjectsOf(rule, who, protocol).map((subject) => ({ rule, subject }))),
  );
}

/** One after the other, so that nobody's time is taken by the work of others; those that only wait go side by side, begun one after the other. */
export async function findingsOf(cases: readonly Case[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { rule, subject } of cases) if (!isWaiting(rule, subject)) findings.push(await findingOf(rule, subject));
  const waiting = cases.filter(({ rule, subject }) => isWaiting(rule, subject));
  const begun: Promise<Finding>[] = [];
  for (const { rule, subject } of waiting) {
    begun.push(findingOf(rule, subject));
    await moment();
  }
  return [...findings, ...(await Promise.all(begun))].sort(
    (one, other) => RULES.indexOf(one.rule) - RULES.indexOf(other.rule),
  );
}

function isWaiting({ waits = false }: Rule, { who }: Subject): boolean {
  return waits && who === 'official';
}

/** Puts one subject through one rule. It rejects only if the check itself is wrong. */
export async function findingOf(rule: Rule, subject: Subject): Promise<Finding> {
  await using bench = new Workbench(subject);
  const isInTime = await Promise.race([rule.check(bench).then(() => true), after(MAX_CHECK_MILLIS)]);
  bench.expect(isInTime, `no end within ${MAX_CHECK_MILLIS / 1_000} s`);
  return { rule, subject, seen: [...bench.seen] };
}

function after(millis: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), millis).unref());
}
