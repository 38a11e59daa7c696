import type { Environment } from '../../internal/environment.ts';
import { needed } from '../../peers/installed.ts';
import { type OnUnset, withVariables } from './variables.ts';

type Yaml = typeof import('yaml');

/** Our words for what the parser finds: its own may quote the text, which may be a secret. What has no line here is told by its place alone. */
const MISTAKES: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'a value that begins with * needs quotes',
  BAD_DQ_ESCAPE: 'a backslash within double quotes begins no known escape',
  BAD_INDENT: 'the indentation is wrong, or a bracket is not closed',
  BAD_SCALAR_START: 'a value that begins with this character needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a value with a colon and a space in it needs quotes',
  DUPLICATE_KEY: 'a key is there twice',
  MISSING_CHAR: 'a character is missing, such as a colon behind a key or a closing quote',
  MULTILINE_IMPLICIT_KEY: 'a key takes several lines',
  MULTIPLE_DOCS: 'a second document begins',
  TAB_AS_INDENT: 'a tab is no indentation',
};
const NO_ANCHOR = 'no anchor has the name of this alias; a value that begins with * needs quotes';

/**
 * What a text in YAML says. What stands for a variable is a scalar, and never becomes more. Without quotes, it is what YAML takes it for.
 *
 * @throws SyntaxError that says where the mistake is, and quotes nothing of the text; SpanflowError `MISSING_PACKAGE` without the package
 */
export function ofYaml(text: string, environment: Environment, onUnset?: OnUnset): unknown {
  const yaml = needed<Yaml>('yaml', 'a configuration in YAML');
  const lineCounter = new yaml.LineCounter();
  const placeOf = (offset = 0) => {
    const { line, col } = lineCounter.linePos(offset);
    return `at line ${line}, column ${col}`;
  };
  const document = yaml.parseDocument(text, { lineCounter, logLevel: 'error' });
  const [error] = document.errors;
  if (error !== undefined) throw noYaml(placeOf(error.pos[0]), MISTAKES[error.code]);
  yaml.visit(document, {
    Alias: (_, node) => {
      if (node.resolve(document) === undefined) throw noYaml(placeOf(node.range?.[0]), NO_ANCHOR);
    },
    Scalar: (key, node) => {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('$')) return;
      const replaced = withVariables(node.value, environment, placeOf(node.range?.[0]), onUnset);
      node.value = node.type === 'PLAIN' && replaced !== node.value ? scalarOf(yaml, replaced) : replaced;
    },
  });
  return document.toJS() as unknown;
}

function noYaml(place: string, why: string | undefined): SyntaxError {
  return new SyntaxError(`it is not valid YAML ${place}${why === undefined ? '' : `: ${why}`}`);
}

function scalarOf(yaml: Yaml, text: string): unknown {
  const { contents, errors } = yaml.parseDocument(text, { logLevel: 'error' });
  if (errors.length > 0 || (contents !== null && !yaml.isScalar(contents))) return text;
  return contents?.value ?? null;
}
