/**
 * The rules of OTLP for clients, put to spanflow and to the official exporters over real sockets: `npm run conformance`, some seven seconds of work and six of waiting.
 *
 *     npm run conformance -- --only C5,C8     some rules
 *
 * `yes`: kept · `NO`: not kept, and below is what was seen in this run · `differs`: ours does something else on purpose · `–`: nothing to show there, see the README of this folder.
 * It exits with 0 if ours keeps every rule but those.
 */
import { parseArgs } from 'node:util';
import { casesOf, findingsOf } from './findings.ts';
import { RULES } from './rules.ts';
import { isOnPurpose, tableOf } from './table.ts';

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const only = values.only?.split(',') ?? RULES.map(({ id }) => id);
const unknown = only.find((id) => !RULES.some((rule) => rule.id === id));
if (unknown !== undefined) throw new RangeError(`--only takes ids of rules, C1 to C24, and this is ${unknown}`);

const chosen = RULES.filter(({ id }) => only.includes(id));
const findings = await findingsOf([...casesOf(chosen, 'ours'), ...casesOf(chosen, 'official')]);
console.log(tableOf(findings));
const broken = findings.filter(
  ({ rule, subject, seen }) =>
    subject.who === 'ours' && seen.length > 0 && !isOnPurpose(rule, 'ours', subject.protocol),
);
process.exit(broken.length === 0 ? 0 : 1);
