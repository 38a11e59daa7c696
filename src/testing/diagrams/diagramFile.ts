import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MarbleFailure } from '../failures/failure.ts';
import type { Diagram } from './diagram.ts';
import { diagramSvg } from './diagramSvg.ts';

/** The environment variable that makes tests write their diagrams, if it is `write`. Otherwise they compare them. */
const VARIABLE = 'SPANFLOW_DIAGRAMS';

/** Writes the file of a diagram, or compares it with the drawing, as the environment variable says. Returns the failure of a comparison. */
export function writeOrCompareDiagram(name: string, folder: string, diagram: Diagram): MarbleFailure | undefined {
  const path = `${join(folder, name)}.svg`;
  const drawn = diagramSvg(diagram);
  if (process.env[VARIABLE] === 'write') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, drawn);
    return undefined;
  }
  const kept = contentOf(path);
  if (kept === drawn) return undefined;
  const what = kept === undefined ? 'is missing' : 'is not what its test draws';
  return new MarbleFailure(
    `the diagram ${path} ${what}: run this test with ${VARIABLE}=write, look at the drawing, and commit it`,
  );
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
