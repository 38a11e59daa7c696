import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** Which files each file imports, types included; paths are relative to the folder. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** `import … from './x.ts'`, `export … from './x.ts'`, `import './x.ts'`, `import('./x.ts')`: all of ours are relative and end in `.ts`. */
const SPECIFIER = /\b(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+\.ts)'/g;

export function importsIn(folder: string): Imports {
  const files = globSync('**/*.ts', { cwd: folder }).sort();
  return new Map(files.map((file) => [file, importedBy(file, readFileSync(join(folder, file), 'utf8'))]));
}

/** @param file the path of the source, from which its imports are counted */
export function importedBy(file: string, source: string): string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const imported = [...code.matchAll(SPECIFIER)].map(([, specifier = '']) => normalize(join(dirname(file), specifier)));
  return [...new Set(imported)];
}

/** Files that import each other, directly or over others: one list for each circle. */
export function circlesOf(imports: Imports): string[][] {
  const reached = new Map([...imports.keys()].map((file) => [file, reachedFrom(file, imports)]));
  const circles = new Map<string, string[]>();
  for (const [file, others] of reached) {
    if (!others.has(file)) continue;
    const circle = [...others].filter((other) => reached.get(other)?.has(file)).sort();
    circles.set(circle.join(), circle);
  }
  return [...circles.values()];
}

function reachedFrom(start: string, imports: Imports): Set<string> {
  const reached = new Set<string>();
  const next = [...(imports.get(start) ?? [])];
  for (let file = next.pop(); file !== undefined; file = next.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    next.push(...(imports.get(file) ?? []));
  }
  return reached;
}

/** How many imports lead from one room to another. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly imports: number;
  /** Whether it leads to a room that is not below. */
  readonly isUp: boolean;
}

/** Rooms from the lowest floor to the highest. A room is a folder with what is in it, but for what is a room itself; `.` is the top folder. */
export type Floors = readonly (readonly string[])[];

export function roomOf(file: string, floors: Floors): string {
  const rooms = floors.flat();
  for (let folder = dirname(file); ; folder = dirname(folder))
    if (rooms.includes(folder) || folder === '.') return folder;
}

export function arrowsOf(imports: Imports, floors: Floors): Arrow[] {
  const counts = new Map<string, number>();
  for (const [file, imported] of imports) {
    for (const other of imported) {
      const [from, to] = [roomOf(file, floors), roomOf(other, floors)];
      if (from !== to) counts.set(`${from} ${to}`, (counts.get(`${from} ${to}`) ?? 0) + 1);
    }
  }
  const floorOf = (room: string) => floors.findIndex((rooms) => rooms.includes(room));
  return [...counts].map(([key, count]) => {
    const [from = '', to = ''] = key.split(' ');
    return { from, to, imports: count, isUp: floorOf(to) >= floorOf(from) };
  });
}

/** Imports of a file that is private to another folder: a folder within a room that has a file of its own name shows that one and its `options.ts`, and nothing else. */
export function intrusionsIn(imports: Imports, floors: Floors): string[] {
  const files = [...imports.keys()];
  return [...imports].flatMap(([file, imported]) =>
    imported.filter((other) => !isOpenTo(file, other, files, floors)).map((other) => `${file} imports ${other}`),
  );
}

function isOpenTo(file: string, other: string, files: readonly string[], floors: Floors): boolean {
  const room = roomOf(other, floors);
  for (let folder = dirname(other); folder !== room; folder = dirname(folder)) {
    if (file.startsWith(`${folder}/`)) return true;
    const faces = [`${folder}/${folder.split('/').at(-1)}.ts`, `${folder}/options.ts`, `${folder}/index.ts`];
    if (files.includes(faces[0] as string) && !faces.includes(other)) return false;
  }
  return true;
}
