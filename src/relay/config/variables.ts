import type { Environment } from '../../internal/environment.ts';
import { mistakeInWords } from '../../internal/validation.ts';

/** As the specification of OpenTelemetry's configuration files has it. */
const REFERENCE = /\$\$|\$\{([^}\n]*)\}/g;
const INSIDE = /^(?:env:)?([A-Za-z_]\w*)(?::-(.*))?$/;

/**
 * A text with the values of variables in it: `${NAME}`, `${NAME:-default}`; `$$` is one dollar. A variable that is not set, or empty, is its default, or nothing.
 *
 * @param place where the text stands, for the error
 *
 * @throws InvalidOptionError when there is something else between the braces, which is not shown: it may be part of a secret that has a dollar in it
 */
export function withVariables(text: string, environment: Environment, place: string): string {
  return text.replace(REFERENCE, (_, inside: string | undefined) => {
    if (inside === undefined) return '$';
    const [, name, fallback = ''] = INSIDE.exec(inside) ?? [];
    if (name === undefined) throw noReference(place);
    return environment[name] || fallback;
  });
}

function noReference(place: string): Error {
  const rule = 'a reference to a variable';
  const message = `what stands in braces ${place} is no reference to a variable: write \${NAME} or \${NAME:-default}, and $$ for a dollar`;
  return mistakeInWords('a variable', rule, undefined, message);
}
