import { statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Converter, MarkdownEvent } from 'typedoc';

const root = join(import.meta.dirname, '..', '..');

/** A plugin for TypeDoc: the names behind `@see` become links, and links of the READMEs to folders lead into the working tree. */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const exported = new Map(
      project.children.flatMap((entry) => entry.children ?? []).map((target) => [target.name, target]),
    );
    for (const { comment } of Object.values(project.reflections)) {
      for (const tag of comment?.getTags('@see') ?? [])
        tag.content = tag.content.flatMap((part) => linked(part, exported));
    }
  });
  app.renderer.on(MarkdownEvent.PARSE, (event) => {
    const source = event.page.project.files.getReflectionPath(event.page.model);
    if (source === undefined) return;
    const page = dirname(join(root, '.docs', event.page.url));
    const leadingOut = (whole, text, link) => {
      const target = join(dirname(source), link);
      return statSync(target, { throwIfNoEntry: false })?.isDirectory()
        ? `[${text}](${relative(page, target)})`
        : whole;
    };
    event.parsedText = event.parsedText.replaceAll(/\[([^\]]*)\]\(([\w./-]+)\)/g, leadingOut);
  });
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
