import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FLOORS } from './floors.ts';
import { arrowsOf, circlesOf, type Floors, importedBy, importsIn, intrusionsIn } from './imports.ts';

const SRC = importsIn(join(import.meta.dirname, '..', '..', 'src'));

describe('the imports of src', () => {
  test('have no circle of files, types included', () => {
    expect(circlesOf(SRC)).toEqual([]);
  });

  test('lead from each room to lower floors only', () => {
    const up = arrowsOf(SRC, FLOORS).filter(({ isUp }) => isUp);
    expect(up).toEqual([]);
  });

  test('reach into no folder that shows one file', () => {
    expect(intrusionsIn(SRC, FLOORS)).toEqual([]);
  });

  test('are found for every file, in rooms that exist', () => {
    const rooms = new Set([...SRC.keys()].map((file) => file.split('/')[0]));
    expect(SRC.size).toBeGreaterThan(100);
    for (const room of FLOORS.flat())
      if (room !== '.')
        expect(
          [...SRC.keys()].some((file) => file.startsWith(`${room}/`)),
          room,
        ).toBe(true);
    for (const room of rooms)
      expect(
        FLOORS.flat().some((known) => known.split('/')[0] === room || room?.endsWith('.ts')),
        room,
      ).toBe(true);
  });
});

describe('the tool', () => {
  const floors: Floors = [['low'], ['left', 'right'], ['.']];

  test('reads every form of an import, and none in a comment', () => {
    const source = [
      "import './a.ts';",
      "import { type X, y } from '../b.ts';",
      "export type { Z } from './deep/c.ts';",
      "const d = await import('./d.ts');",
      "type E = import('./e.ts').E;",
      "import {\n  long,\n} from './f.ts';",
      "// import './no.ts';",
      "/** import { x } from './never.ts'; */",
      "import rxjs from 'rxjs';",
    ].join('\n');
    expect(importedBy('room/file.ts', source)).toEqual([
      'room/a.ts',
      'b.ts',
      'room/deep/c.ts',
      'room/d.ts',
      'room/e.ts',
      'room/f.ts',
    ]);
  });

  test('finds circles, of two files and of more', () => {
    const imports = new Map([
      ['a.ts', ['b.ts']],
      ['b.ts', ['c.ts']],
      ['c.ts', ['a.ts', 'd.ts']],
      ['d.ts', ['e.ts']],
      ['e.ts', []],
    ]);
    expect(circlesOf(imports)).toEqual([['a.ts', 'b.ts', 'c.ts']]);
  });

  test('calls an arrow up that leads to a higher floor, or to a room beside', () => {
    const imports = new Map([
      ['low/a.ts', ['left/b.ts']],
      ['left/b.ts', ['right/c.ts', 'low/d.ts']],
      ['right/c.ts', []],
      ['low/d.ts', []],
      ['index.ts', ['left/b.ts']],
    ]);
    const up = arrowsOf(imports, floors).filter(({ isUp }) => isUp);
    expect(up.map(({ from, to }) => `${from} ${to}`)).toEqual(['low left', 'left right']);
  });

  test('finds what reaches past the face of a folder, and lets the folder itself in', () => {
    const imports = new Map([
      ['left/x/x.ts', ['left/x/inner.ts']],
      ['left/x/inner.ts', []],
      ['left/x/options.ts', []],
      ['left/y.ts', ['left/x/x.ts', 'left/x/options.ts', 'left/x/inner.ts']],
    ]);
    expect(intrusionsIn(imports, floors)).toEqual(['left/y.ts imports left/x/inner.ts']);
  });
});
