/** Makes the files of the live view's page: the script in one piece, with uPlot and its licence in it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import type { PageFiles } from '../src/view/pageFiles.ts';

const root = join(import.meta.dirname, '..');
const page = join(root, 'src', 'view', 'page');
const uplot = join(root, 'node_modules', 'uplot');

export async function bundlePage(): Promise<PageFiles> {
  const licence = `/*! uPlot, which is in this file:\n${readFileSync(join(uplot, 'LICENSE'), 'utf8').trim()}\n*/\n`;
  const style = readFileSync(join(uplot, 'dist', 'uPlot.min.css'), 'utf8');
  return {
    html: readFileSync(join(page, 'page.html'), 'utf8'),
    style: `${licence}${style}\n${readFileSync(join(page, 'page.css'), 'utf8')}`,
    script: `${licence}${await bundledScript()}`,
  };
}

async function bundledScript(): Promise<string> {
  const input = join(page, 'main.ts');
  const build = await rolldown({ cwd: root, input, platform: 'browser', transform: { target: 'es2022' } });
  const { output } = await build.generate({ format: 'iife', minify: true });
  await build.close();
  return output[0].code;
}
