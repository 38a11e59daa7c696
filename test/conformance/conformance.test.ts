import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { casesOf, type Finding, findingOf, findingsOf, subjectsOf } from './findings.ts';
import { EXEMPTIONS, RULES } from './rules.ts';
import type { Protocol, Who } from './subjects/subject.ts';
import { isOnPurpose, tableOf } from './table.ts';

const PROTOCOLS = ['http', 'grpc'] as const;
const SHOWN: Readonly<Record<Protocol, string>> = { http: 'HTTP', grpc: 'gRPC' };

function titled(who: Who) {
  return casesOf(RULES, who).map((one) => ({ ...one, title: `${one.rule.id} ${one.subject.name}: ${one.rule.says}` }));
}

describe('ours', () => {
  it.each(titled('ours'))('$title', async ({ rule, subject }) => {
    const { seen } = await findingOf(rule, subject);
    if (isOnPurpose(rule, 'ours', subject.protocol)) expect(seen).toHaveLength(1);
    else expect(seen).toEqual([]);
  });
});

// They may be mended one day: what they do is kept as an annotation, and no reason to fail.
describe('the official ones', () => {
  const cases = titled('official');
  let findings: readonly Finding[] = [];
  beforeAll(async () => {
    findings = await findingsOf(cases);
  });

  it.for(cases)('$title', async ({ rule, subject }, { annotate }) => {
    const found = findings.find((one) => one.rule === rule && one.subject === subject);
    expect(found).toBeDefined();
    await annotate(found?.seen.join('; ') || 'kept', 'conformance');
  });
});

describe('the rules', () => {
  it('are C1 to C24', () => {
    expect(RULES.map(({ id }) => id)).toEqual(Array.from({ length: 24 }, (_, index) => `C${index + 1}`));
  });

  it('are exempt over a protocol for a written reason, and for no other', () => {
    const left = RULES.flatMap(({ id, protocols = PROTOCOLS }) =>
      PROTOCOLS.filter((protocol) => !protocols.includes(protocol)).map((protocol) => `${id} over ${SHOWN[protocol]}`),
    );
    expect(left).toEqual(Object.keys(EXEMPTIONS));
  });
});

describe('the table', () => {
  it('has a mark for each column, and a line for what was seen', () => {
    const [one] = RULES.filter(({ id }) => id === 'C22');
    if (one === undefined) throw new Error('no C22');
    const found = (who: Who, protocol: Protocol, ...seen: string[]) =>
      subjectsOf(one, who, protocol).map((subject) => ({ rule: one, subject, seen }));
    const findings = [
      ...found('ours', 'http'),
      ...found('ours', 'grpc', 'smaller'),
      ...found('official', 'http', 'no option'),
    ];
    const table = tableOf(findings);
    expect(table).toMatch(/^C22 +yes +differs +NO +– +The limits of requests/m);
    expect(table).toMatch(/^ {2}C22 {2}otlpGrpc: smaller \(on purpose: by default 4 MiB less 16 KiB/m);
    expect(table).toMatch(/^ {2}C22 {2}exporter-trace-otlp-proto: no option$/m);
  });

  it('is what npm run conformance prints', async () => {
    const path = `${import.meta.dirname}/run.ts`;
    const { stdout } = await promisify(execFile)(process.execPath, [path, '--only', 'C7,C18'], { timeout: 120_000 });
    expect(stdout).toMatch(/^C7 +yes +yes +(yes|NO) +(yes|NO) /m);
    expect(stdout).toMatch(/^C18 +yes +– +(yes|NO) +– /m);
  });
});
