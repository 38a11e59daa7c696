import { statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Converter } from 'typedoc';

const ROOT = join(import.meta.dirname, '..', '..');
const OUT = join(ROOT, '.docs');

/** A plugin for TypeDoc: the names behind `@see` become links, links to names of other entries find them, and links of the READMEs to folders lead into the working tree. */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    linkNames(project);
    project.readme = project.readme?.map((part) => leadingOut(part, ROOT, OUT));
    for (const page of project.documents ?? []) {
      const folder = dirname(project.files.getReflectionPath(page));
      page.content = page.content.map((part) => leadingOut(part, folder, join(OUT, 'documents')));
    }
  });
}

function linkNames(project) {
  const all = project.children.flatMap((entry) => entry.children ?? []);
  const exported = new Map(all.map((target) => [target.name, target]));
  for (const { comment } of Object.values(project.reflections)) {
    for (const tag of comment?.getTags('@see') ?? [])
      tag.content = tag.content.flatMap((part) => linked(part, exported));
    const texts = [comment?.summary ?? [], ...(comment?.blockTags ?? []).map(({ content }) => content)];
    for (const part of texts.flat()) if (part.tag === '@link') part.target ??= exported.get(part.text);
  }
}

/** A link to a folder: TypeDoc copies files that are linked, and no folders. */
function leadingOut(part, folder, page) {
  const target = join(folder, part.text);
  const isFolder = part.kind === 'relative-link' && statSync(target, { throwIfNoEntry: false })?.isDirectory();
  return isFolder ? { kind: 'text', text: relative(page, target) } : part;
}

/** `channel, exportTo, or a remark`: links to the names with which it begins. */
function linked(part, exported) {
  if (part.kind !== 'text') return [part];
  const words = part.text.trimEnd().split(', ');
  const count = words.findIndex((word) => !exported.has(word));
  const names = count === -1 ? words : words.slice(0, count);
  const links = names.map((text) => ({ kind: 'inline-tag', tag: '@link', text, target: exported.get(text) }));
  const rest = words.slice(names.length).join(', ');
  return [...links, ...(rest === '' ? [] : [{ kind: 'text', text: rest }])].flatMap((piece) => [COMMA, piece]).slice(1);
}

const COMMA = { kind: 'text', text: ', ' };
