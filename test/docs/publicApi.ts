import { join } from 'node:path';
import type { Node } from 'typescript/unstable/ast';
import {
  API,
  type Checker,
  type Project,
  SymbolFlags,
  type Symbol as SymbolOfApi,
  type Type,
  TypeFlags,
} from 'typescript/unstable/sync';
import { entries, ROOT } from './entries.ts';

/** What a reader of the reference finds: an export, or a member of one. */
export interface PublicName {
  /** `spanflow/view: LiveViewOptions.port` */
  readonly title: string;
  /** The title of the export that it belongs to. */
  readonly owner: string;
  /** The name of that export. */
  readonly exportName: string;
  /** `port`, or `stream.columns`; empty for the export itself. */
  readonly member: string;
  readonly isOptional: boolean;
  /** The text of its doc block, without the tags. Of a member that is not documented where it is declared: that of the member it overrides. */
  readonly doc: string;
  /** The names that it links to, by `{@link …}` and `@see`. */
  readonly targets: readonly string[];
  readonly isNumber: boolean;
  readonly isCallable: boolean;
  /** The words that it may be, where it is a string of these. */
  readonly words: readonly string[];
}

/** Every name that the entries of the package export, with its members, each once. Asks the project's compiler, for some hundreds of milliseconds. */
export function publicNames(): PublicName[] {
  const api = new API({ cwd: ROOT });
  try {
    const [project] = api.updateSnapshot({ openProjects: [join(ROOT, '.tsconfig.build.json')] }).getProjects();
    if (project === undefined) throw new Error('the compiler found no project');
    return new Reader(project).names();
  } finally {
    api.close();
  }
}

const SOURCES = join(ROOT, 'src/');

class Reader {
  readonly #project: Project;
  readonly #checker: Checker;

  constructor(project: Project) {
    this.#project = project;
    this.#checker = project.checker;
  }

  names(): PublicName[] {
    const seen = new Set<SymbolOfApi>();
    return entries().flatMap((entry) =>
      this.#exportsOf(entry.path).flatMap((symbol) => {
        if (seen.has(symbol)) return [];
        seen.add(symbol);
        return this.#read(`${entry.name}: `, symbol);
      }),
    );
  }

  #exportsOf(path: string): SymbolOfApi[] {
    const file = this.#project.program.getSourceFile(join(ROOT, path));
    const module = file && this.#checker.getSymbolAtLocation(file);
    if (module === undefined) throw new Error(`the compiler does not know ${path}`);
    const exported = this.#checker.getExportsOfModule(module);
    return exported.map((symbol) =>
      symbol.flags & SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol,
    );
  }

  #read(entry: string, symbol: SymbolOfApi): PublicName[] {
    const isType = (symbol.flags & (SymbolFlags.Interface | SymbolFlags.TypeAlias | SymbolFlags.Class)) !== 0;
    const type = isType ? this.#checker.getDeclaredTypeOfSymbol(symbol) : this.#checker.getTypeOfSymbol(symbol);
    if (type === undefined) throw new Error(`the compiler knows no type of ${symbol.name}`);
    const self = this.#name(symbol, type, { entry, exportName: symbol.name, member: '' });
    return [self, ...(isType ? this.#members(type, { entry, exportName: symbol.name, member: '' }) : [])];
  }

  /** Those that are declared in our sources, of each form of a union; within objects that have no name of their own, too. */
  #members(type: Type, place: Place): PublicName[] {
    const forms = type.isUnionType() ? (type.getTypes() ?? []) : [type];
    return forms.flatMap((form) =>
      this.#checker.getPropertiesOfType(form).flatMap((symbol) => {
        if (!this.#isOurs(symbol)) return [];
        const member = [place.member, displayName(symbol)].filter((part) => part !== '').join('.');
        const value = this.#valueOf(symbol);
        const inner = isNameless(value) ? this.#members(value, { ...place, member }) : [];
        return [this.#name(symbol, value, { ...place, member }), ...inner];
      }),
    );
  }

  #isOurs(symbol: SymbolOfApi): boolean {
    const isPrivate = symbol.name.includes('#') || symbol.name === 'prototype';
    const isInternal = symbol.getJsDocTags(this.#checker).some(({ name }) => name === 'internal');
    return !isPrivate && !isInternal && symbol.declarations.some(({ path }) => path.startsWith(SOURCES));
  }

  /** Without the `undefined` of what may be left out. */
  #valueOf(symbol: SymbolOfApi): Type {
    const type = this.#checker.getTypeOfSymbol(symbol);
    const value = type && this.#checker.getNonNullableType(type);
    if (value === undefined) throw new Error(`the compiler knows no type of ${symbol.name}`);
    return value;
  }

  #name(symbol: SymbolOfApi, type: Type, { entry, exportName, member }: Place): PublicName {
    return {
      title: `${entry}${exportName}${member === '' ? '' : `.${member}`}`,
      owner: `${entry}${exportName}`,
      exportName,
      member,
      isOptional: (symbol.flags & SymbolFlags.Optional) !== 0,
      doc: symbol.getDocumentationComment(this.#checker),
      targets: symbol.declarations.flatMap((declaration) => targetsIn(docBlockOf(declaration.resolve(this.#project)))),
      isNumber: (type.flags & TypeFlags.NumberLike) !== 0,
      isCallable: this.#checker.getSignaturesOfType(type, 0).length > 0,
      words: wordsOf(type),
    };
  }
}

/** The last doc block in front of a declaration, as it is written. */
function docBlockOf(declaration: Node | undefined): string {
  if (declaration === undefined) return '';
  const before = declaration.getSourceFile().text.slice(declaration.getFullStart(), declaration.getStart());
  return before.slice(Math.max(0, before.lastIndexOf('/**')));
}

/** `channel`, `Channel.send`. An `@see` has names, or a URL; behind the names may be a remark. */
function targetsIn(block: string): string[] {
  const links = [...block.matchAll(/\{@link ([\w.]+)/g)].map(([, target = '']) => target);
  const lists = [...block.matchAll(/@see ((?!https?:)[\w.]+(?:, [\w.]+(?=,|\s*$))*)/gm)];
  return [...links, ...lists.flatMap(([, list = '']) => list.split(', '))];
}

interface Place {
  readonly entry: string;
  readonly exportName: string;
  readonly member: string;
}

/** `[asyncDispose]` for a well-known symbol. */
function displayName({ name }: SymbolOfApi): string {
  return name.replace(/^__@(\w+)@\d+$/, '[$1]');
}

/** `{ rejected: number }`, as opposed to an interface. */
function isNameless(type: Type): boolean {
  return type.getAliasSymbol?.() === undefined && type.getSymbol?.()?.name === '__type';
}

function wordsOf(type: Type): string[] {
  const forms = type.isUnionType() ? (type.getTypes() ?? []) : [type];
  const words = forms.flatMap((form) => (form.isStringLiteralType() ? [form.value] : []));
  return words.length === forms.length ? words : [];
}
