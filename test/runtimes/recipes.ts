import { cpSync, mkdirSync } from 'node:fs';
import type { Project } from './project.ts';
import { service } from './service.ts';
import type { Target, TargetGroup } from './targets.ts';

const TYPES = ['typescript@7.0.2', '@types/node@26.6.6'];
const SDK = '@opentelemetry/sdk-node@0.301.0';

/** Copies a recipe out of the package, as `examples/README.md` says. */
function copied(project: Project, recipe: string): void {
  cpSync(project.path('node_modules/spanflow/examples/recipes', recipe), project.path(recipe), { recursive: true });
}

/** Compiles a recipe by strict rules, into `out`. */
async function compiled(project: Project, recipe: string, options: object = {}): Promise<void> {
  copied(project, recipe);
  const strictness = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
  const common = { module: 'nodenext', target: 'es2024', lib: ['es2024', 'esnext.disposable'], types: ['node'] };
  const compilerOptions = { ...common, ...strictness, skipLibCheck: true, outDir: 'out', ...options };
  project.write('tsconfig.json', JSON.stringify({ compilerOptions, files: [recipe] }));
  await project.tool('typescript/bin/tsc');
}

const express: Target = {
  name: '`recipes/express.ts` (Express 5.3.0)',
  packages: [
    ...[...TYPES, SDK, 'express@5.3.0', '@types/express@5.0.6', '@opentelemetry/instrumentation@0.301.0'],
    ...['@opentelemetry/instrumentation-http@0.301.0', '@opentelemetry/instrumentation-express@0.72.0'],
  ],
  check: async (project) => {
    await compiled(project, 'express.ts');
    await service(project.folder, ['express.ts'], { path: '/orders/5', span: 'GET /orders/:id' });
  },
};

const nest: Target = {
  name: '`recipes/nest.ts` (Nest 12.5.1)',
  packages: [
    ...[...TYPES, SDK, '@nestjs/core@12.5.1', '@nestjs/common@12.5.1', '@nestjs/platform-express@12.5.1'],
    'reflect-metadata@0.2.2',
  ],
  check: async (project) => {
    await compiled(project, 'nest.ts', { experimentalDecorators: true, emitDecoratorMetadata: true });
    await service(project.folder, ['out/nest.js'], { path: '/orders', span: 'list orders' });
  },
};

const ROUTE = `export async function GET(_: Request, { params }: { params: Promise<{ id: string }> }) {
  return Response.json({ order: (await params).id });
}`;
const LAYOUT = `export default function Layout({ children }: { children: React.ReactNode }) {
  return <html><body>{children}</body></html>;
}`;

const next: Target = {
  name: '`recipes/next` (Next 16.4.6)',
  packages: [
    ...TYPES.slice(1),
    'typescript@5.9.3',
    SDK,
    'next@16.4.6',
    'react@19.2.3',
    'react-dom@19.2.3',
    '@types/react@19.2.7',
  ],
  check: async (project) => {
    copied(project, 'next');
    mkdirSync(project.path('next/app/orders/[id]'), { recursive: true });
    project.write('next/app/orders/[id]/route.ts', ROUTE);
    project.write('next/app/layout.tsx', LAYOUT);
    project.write('next/tsconfig.json', JSON.stringify({ compilerOptions: { strict: true } }));
    const cli = project.path('node_modules/next/dist/bin/next');
    const folder = project.path('next');
    const environment = { NEXT_TELEMETRY_DISABLED: '1' };
    await project.run(process.execPath, [cli, 'build'], { cwd: folder, environment });
    await service(folder, [cli, 'start', '--hostname', '127.0.0.1'], {
      path: '/orders/5',
      span: 'GET /orders/[id]',
      environment: { ...environment, NEXT_MANUAL_SIG_HANDLE: 'true', DRAIN_MILLIS: '500' },
    });
  },
};

const lambda: Target = {
  name: '`recipes/lambda.ts`',
  packages: [...TYPES, '@types/aws-lambda@8.10.164'],
  check: (project) => compiled(project, 'lambda.ts'),
};

/** Its install script would fetch the program from elsewhere; the types are in the package. */
const electron: Target = {
  name: '`recipes/electron.ts` (Electron 41.7.1)',
  packages: [...TYPES, 'electron@41.7.1'],
  check: (project) => compiled(project, 'electron.ts'),
};

export const RECIPES: readonly TargetGroup[] = [
  { title: 'the span of a request arrives, though a SIGTERM follows it at once', targets: [express, nest, next] },
  { title: 'compiles; `npm test` runs it', targets: [lambda, electron] },
];
