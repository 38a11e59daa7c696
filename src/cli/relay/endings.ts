import type { RelayAddress, RelayReport } from '../../relay/api.ts';

export function announce({ http, grpc, admin }: RelayAddress): void {
  const lines = [http && `OTLP/HTTP at ${http.url}`, grpc && `OTLP/gRPC at ${grpc.url}`, admin && `admin at ${admin}`];
  process.stdout.write(`${lines.filter((line) => line !== undefined).join('\n')}\nready\n`);
}

/** What is lost at a destination that is not required does not count. */
export function isWhole({ isDrained, lost }: RelayReport): boolean {
  return isDrained && lost === 0;
}

/** The whole, and where something was lost. */
export function farewell({ isDrained, delivered, lost, losses }: RelayReport): string {
  const late = isDrained ? '' : '; not everything was answered in time';
  const places = Object.entries(losses).map(
    ([place, { items, isRequired }]) => `; ${place}${isRequired ? '' : ', not required'}: ${items} lost`,
  );
  return `drained: ${delivered} delivered, ${lost} lost${places.join('')}${late}\n`;
}
