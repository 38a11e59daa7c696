import type { Environment } from '../../internal/environment.ts';
import { mistakeInWords } from '../../internal/validation.ts';

/** As the specification of OpenTelemetry's configuration files has it. */
const REFERENCE = /\$\$|\$\{([^}\n]*)\}/g;
const INSIDE = /^(?:env:)?([A-Za-z_]\w*)(?::-(.*))?$/;

/**
 * A text with the values of variables in it: `${NAME}`, `${NAME:-default}`; `$$` is one dollar. A variable that is not set, or empty, is its default, or nothing.
 *
 * @throws InvalidOptionError when there is something else between the braces
 */
export function withVariables(text: string, environment: Environment): string {
  return text.replace(REFERENCE, (found, inside: string | undefined) => {
    if (inside === undefined) return '$';
    const [, name, fallback = ''] = INSIDE.exec(inside) ?? [];
    if (name === undefined) throw noReference(found);
    return environment[name] || fallback;
  });
}

function noReference(found: string): Error {
  const rule = 'a reference to a variable';
  const message = `${found} is no reference to a variable: write \${NAME} or \${NAME:-default}, and $$ for a dollar`;
  return mistakeInWords(found, rule, found, message);
}
