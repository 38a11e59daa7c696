import { VERSION } from '../internal/version.ts';
import { messageOf } from '../model/errors.ts';
import { type Command, isMistake, UsageError } from './command.ts';

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  relay: async () => (await import('./relay/relay.ts')).relay,
  replay: async () => (await import('./replay/replay.ts')).replay,
};

const HELP = `spanflow ${VERSION}

  spanflow relay --to URL         takes OTLP in, processes it, and sends it on
  spanflow replay FILE --to URL   sends what is in a file of OTLP

  spanflow COMMAND --help         says more about one of them
  spanflow --version              prints the version
`;

/** Runs the command that the arguments name. */
export async function runCommand([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') return say(HELP);
  if (name === '--version') return say(`${VERSION}\n`);
  try {
    const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (load === undefined)
      throw new UsageError(`there is no command ${name}: there is ${Object.keys(COMMANDS).join(', ')}`);
    const command = await load();
    if (args.includes('--help') || args.includes('-h')) return say(command.help);
    return await command.run(args);
  } catch (thrown) {
    const isUsage = isMistake(thrown);
    const of = Object.hasOwn(COMMANDS, name) ? ` ${name}` : '';
    const hint = isUsage ? `\nspanflow${of} --help says how it is called` : '';
    process.stderr.write(`spanflow: ${messageOf(thrown)}${hint}\n`);
    return isUsage ? 2 : 1;
  }
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}
