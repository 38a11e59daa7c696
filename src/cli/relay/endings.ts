import type { RelayAddress, RelayReport } from '../../relay/api.ts';

export function announce({ http, grpc, admin }: RelayAddress): void {
  const lines = [http && `OTLP/HTTP at ${http.url}`, grpc && `OTLP/gRPC at ${grpc.url}`, admin && `admin at ${admin}`];
  process.stdout.write(`${lines.filter((line) => line !== undefined).join('\n')}\nready\n`);
}

export function isWhole({ isDrained, lost }: RelayReport): boolean {
  return isDrained && lost === 0;
}

export function farewell({ isDrained, delivered, lost }: RelayReport): string {
  const late = isDrained ? '' : ', and not everything was answered in time';
  return `drained: ${delivered} delivered, ${lost} lost${late}\n`;
}
