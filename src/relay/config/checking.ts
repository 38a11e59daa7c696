import { Mistakes, type Rule } from '../../internal/validation.ts';
import { InvalidOptionError, type OptionMistake } from '../../model/errors.ts';

/** What another function checks: it is given the value. */
export const checkedElsewhere: Rule = () => {};

type Plain = Readonly<Record<string, unknown>>;

/** Collects the mistakes of a whole configuration. What a function of another part checks keeps its rule, and is named by its path in the configuration. */
export class Checking {
  readonly #mistakes: Mistakes;
  readonly #found: OptionMistake[] = [];

  constructor(owner: string) {
    this.#mistakes = new Mistakes(owner, {}, this.#found);
  }

  get hasFailed(): boolean {
    return this.#found.length > 0;
  }

  add(path: string, rule: string, given: unknown): void {
    this.#mistakes.add(path, rule, given);
  }

  rule(path: string, value: unknown, rule: Rule): void {
    rule(value, path, this.#mistakes);
  }

  /** A mistake that the usual sentence does not fit. */
  tell(path: string, rule: string, sentence: string): void {
    this.#found.push({ option: path, rule, given: undefined, message: `${path} ${sentence}` });
  }

  /** An object of options, each of which may be left out; what it may hold of what was given. Anything else is a mistake, and nothing of it. */
  section(path: string, value: unknown, rules: Readonly<Record<string, Rule>>): Plain {
    if (value === undefined) return {};
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.add(path, 'an object', value);
      return {};
    }
    const optionals = Object.entries(rules).map(([name, rule]): [string, Rule] => [name, orLeftOut(rule)]);
    this.#mistakes.checkRecord(path, Object.fromEntries(optionals), value);
    return Object.fromEntries(Object.entries(value).filter(([name]) => Object.hasOwn(rules, name)));
  }

  /** The result of a function that checks what it is given; `undefined` where that is wrong. Its mistakes are renamed, from its own name to the path. */
  attempt<R>(path: string, owner: string, work: () => R): R | undefined {
    let result: R | undefined;
    this.#mistakes.attempt(() => {
      try {
        result = work();
      } catch (thrown) {
        throw thrown instanceof InvalidOptionError ? renamed(thrown, owner, path) : thrown;
      }
    });
    return result;
  }

  raise(): void {
    this.#mistakes.raise();
  }
}

/** Each of these is checked elsewhere. */
export function checkedElsewhereAll(names: readonly string[]): Readonly<Record<string, Rule>> {
  return Object.fromEntries(names.map((name) => [name, checkedElsewhere]));
}

function orLeftOut(rule: Rule): Rule {
  return (value, option, call) => {
    if (value !== undefined) rule(value, option, call);
  };
}

function renamed({ mistakes }: InvalidOptionError, owner: string, path: string): InvalidOptionError {
  const rename = (text: string) => (text.startsWith(owner) ? `${path}${text.slice(owner.length)}` : text);
  const all = mistakes.map((one) => ({ ...one, option: rename(one.option), message: rename(one.message) }));
  const [first] = all as [OptionMistake];
  return new InvalidOptionError(first.option, first.rule, first.given, all);
}
