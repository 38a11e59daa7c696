import type { Environment } from '../../internal/environment.ts';
import { mistakeInWords } from '../../internal/validation.ts';

/** Told the name of a variable, and where it stands: `at line 3, column 10`. */
export type OnUnset = (name: string, place: string) => void;

/** As the specification of OpenTelemetry's configuration files has it. */
const REFERENCE = /\$\$|\$\{([^}\n]*)\}/g;
const INSIDE = /^(?:env:)?([A-Za-z_]\w*)(?::-(.*))?$/;

/**
 * A text with the values of variables in it: `${NAME}`, `${NAME:-default}`; `$$` is one dollar. A variable that is not set, or empty, is its default, or nothing.
 *
 * @param place where the text stands, for the error, and for `onUnset`
 * @param onUnset told of each variable that is not set and has no default: it stands for nothing, which is seldom meant
 *
 * @throws InvalidOptionError when there is something else between the braces, which is not shown: it may be part of a secret that has a dollar in it
 */
export function withVariables(
  text: string,
  environment: Environment,
  place: string,
  onUnset: OnUnset = () => {},
): string {
  return text.replace(REFERENCE, (_, inside: string | undefined) => {
    if (inside === undefined) return '$';
    const [, name, fallback] = INSIDE.exec(inside) ?? [];
    if (name === undefined) throw noReference(place);
    if (environment[name] === undefined && fallback === undefined) onUnset(name, place);
    return environment[name] || (fallback ?? '');
  });
}

function noReference(place: string): Error {
  const rule = 'a reference to a variable';
  const message = `what stands in braces ${place} is no reference to a variable: write \${NAME} or \${NAME:-default}, and $$ for a dollar`;
  return mistakeInWords('a variable', rule, undefined, message);
}
