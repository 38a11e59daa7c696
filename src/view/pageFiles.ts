/** The page, as it is served. */
export interface PageFiles {
  readonly html: string;
  readonly style: string;
  /** With the plotting library in it. */
  readonly script: string;
}

/** From the sources of this repository. The build puts a module that holds the files in the place of this one. */
export async function pageFiles(): Promise<PageFiles> {
  const tool = new URL('../../.tools/bundlePage.ts', import.meta.url).href;
  const { bundlePage } = (await import(tool)) as { bundlePage: () => Promise<PageFiles> };
  return bundlePage();
}
