import type { Finding } from './findings.ts';
import { RULES, type Rule } from './rules.ts';
import type { Protocol, Who } from './subjects/subject.ts';

const COLUMNS: readonly (readonly [string, Who, Protocol])[] = [
  ['ours HTTP', 'ours', 'http'],
  ['ours gRPC', 'ours', 'grpc'],
  ['official HTTP', 'official', 'http'],
  ['official gRPC', 'official', 'grpc'],
];

/** The rules that were exercised, with a mark for each column, and below them a line for each failure. */
export function tableOf(findings: readonly Finding[]): string {
  const cell = (rule: Rule, who: Who, protocol: Protocol) => {
    const found = findings.filter(
      ({ subject, rule: of }) => of === rule && subject.who === who && subject.protocol === protocol,
    );
    if (found.length === 0) return '–';
    if (found.every(({ seen }) => seen.length === 0)) return 'yes';
    return isOnPurpose(rule, who, protocol) ? 'differs' : 'NO';
  };
  const rows = RULES.filter((rule) => findings.some((found) => found.rule === rule)).map((rule) => [
    rule.id,
    ...COLUMNS.map(([, who, protocol]) => cell(rule, who, protocol)),
    rule.says,
  ]);
  const head = ['rule', ...COLUMNS.map(([title]) => title), 'what it asks for'];
  return [aligned([head, ...rows]), ...linesOf(findings)].join('\n\n');
}

export function isOnPurpose({ oursDiffers }: Rule, who: Who, protocol: Protocol): boolean {
  return who === 'ours' && oursDiffers?.[protocol] !== undefined;
}

/** What several subjects of a column were seen to do alike is one line. */
function linesOf(findings: readonly Finding[]): string[] {
  return COLUMNS.flatMap(([title, who, protocol]) => {
    const lines = new Map<string, string[]>();
    for (const { rule, subject, seen } of findings) {
      if (subject.who !== who || subject.protocol !== protocol || seen.length === 0) continue;
      const reason = isOnPurpose(rule, who, protocol) ? ` (on purpose: ${rule.oursDiffers?.[protocol]})` : '';
      const line = `${rule.id}\0${seen.join('; ')}${reason}`;
      lines.set(line, [...(lines.get(line) ?? []), subject.name]);
    }
    const told = [...lines].map(([line, names]) => {
      const [id = '', seen] = line.split('\0');
      return `  ${id.padEnd(3)}  ${names.join(' and ')}: ${seen}`;
    });
    return told.length === 0 ? [] : [[`${title}:`, ...told].join('\n')];
  });
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
