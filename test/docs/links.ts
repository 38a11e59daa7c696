import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './entries.ts';

/**
 * The links of a Markdown page that lead nowhere, each with the reason. Links to other hosts are not followed.
 *
 * @param page the path of the page, from the root of the repository
 */
export function deadLinks(markdown: string, page: string): string[] {
  return linksIn(markdown).flatMap((link) => {
    const problem = problemOf(link, page);
    return problem === undefined ? [] : [`${link}: ${problem}`];
  });
}

function problemOf(link: string, page: string): string | undefined {
  if (/^(?:https?|mailto):/.test(link)) return undefined;
  if (/^(?:\/|file:|[A-Za-z]:)/.test(link)) return 'the path has to be relative to the page';
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? page : join(dirname(page), file);
  if (target.startsWith('..')) return 'it leads out of the repository';
  if (!existsSync(join(ROOT, target))) return `there is no ${target}`;
  if (anchor === undefined) return undefined;
  if (!target.endsWith('.md')) return 'only Markdown pages have anchors';
  return anchorsOf(readFileSync(join(ROOT, target), 'utf8')).includes(anchor)
    ? undefined
    : `${target} has no such heading`;
}

/** The targets of links and pictures, in order. */
export function linksIn(markdown: string): string[] {
  const inline = [...proseOf(markdown).matchAll(/\]\(\s*<?([^\s<>()]+)>?[^()]*\)/g)];
  const defined = [...proseOf(markdown).matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)];
  return [...inline, ...defined].map(([, link = '']) => link);
}

/** The anchors of the headings, as GitHub makes them. */
export function anchorsOf(markdown: string): string[] {
  const seen = new Map<string, number>();
  return [...withoutFences(markdown).matchAll(/^#{1,6} +(.+?) *#*$/gm)].map(([, heading = '']) => {
    const text = heading.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1');
    const slug = text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
}

/** Code is not read for links. */
function proseOf(markdown: string): string {
  return withoutFences(markdown).replaceAll(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, '`code`');
}

function withoutFences(markdown: string): string {
  return markdown.replaceAll(/^( *)(`{3,}|~{3,}).*\n(?:[\s\S]*?\n)??\1\2 *$/gm, '');
}
