/**
 * `npm run imports`: the rooms of `src`, the arrows between them with their numbers of imports, arrows that lead up, and circles.
 */
import { join } from 'node:path';
import { FLOORS } from './floors.ts';
import { arrowsOf, circlesOf, importsIn, intrusionsIn } from './imports.ts';

const imports = importsIn(join(import.meta.dirname, '..', '..', 'src'));
const arrows = arrowsOf(imports, FLOORS);
for (const floor of FLOORS.toReversed()) {
  for (const room of floor) {
    const out = arrows
      .filter(({ from }) => from === room)
      .map(({ to, imports: count, isUp }) => `${isUp ? '↑ ' : ''}${to} ${count}`);
    console.log(`${room.padEnd(16)} → ${out.join(' · ')}`);
  }
}
const circles = circlesOf(imports);
for (const circle of circles) console.log(`circle: ${circle.join(', ')}`);
const rooms = FLOORS.flat().length;
const up = arrows.filter(({ isUp }) => isUp).length;
console.log(
  `${imports.size} files, ${rooms} rooms on ${FLOORS.length} floors, ${arrows.length} arrows, ${up} that lead up, ${circles.length} circles, ${intrusionsIn(imports, FLOORS).length} imports of private files`,
);
