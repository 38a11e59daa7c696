import { aPath, millis, optional, type Rule, type Rules, settingsOf, whole } from '../../internal/validation.ts';

/** Where a pipeline keeps what is left at its end, and how much of it: the long form of the option `spool`. */
export interface SpoolOptions {
  /** The directory, or its `file:` URL. It is made, for its owner alone (mode 0700), if it is not there. Several processes and pipelines of one destination may share it; each destination has one of its own. */
  directory: string | URL;
  /**
   * The bytes of all spooled files in the directory together: 1 or more, default 64 MiB. What does not fit is lost, as `shutdown`, and told. It is looked at when the first item of an ending is written: processes that end at the same moment may go beyond it together, each by what it had room for.
   */
  maxBytes?: number;
  /**
   * How old what was spooled may be when it is sent, in milliseconds: 1 or more, default 604,800,000, a week. What is older is lost, as `expired`; files of sinks that the pipeline does not have any more are removed then.
   * It is told by the clock of the machine, since the program that wrote it is gone.
   */
  maxAgeMillis?: number;
  /**
   * How long writing may hold up one ending, in milliseconds: 0 or more, default 1,000. It is looked at before each piece of up to 512 items; what is not written by then is lost, as `shutdown`, and told.
   * The file is flushed to the disk after that (`fsync`), for which there is no bound but that of the disk.
   */
  maxWriteMillis?: number;
}

export const SPOOL_DEFAULTS = Object.freeze({
  maxBytes: 64 * 1024 * 1024,
  maxAgeMillis: 604_800_000,
  maxWriteMillis: 1_000,
});

const SPOOL_RULES: Rules<SpoolOptions> = {
  directory: aPath,
  maxBytes: whole(1),
  maxAgeMillis: whole(1),
  maxWriteMillis: millis(0),
};

export type SpoolSettings = Readonly<Required<Omit<SpoolOptions, 'directory'>>> & {
  /** Its path. */
  readonly directory: string;
};

/** The option as the user has given it: the directory, or an object with it. */
export type GivenSpool = string | URL | SpoolOptions;

/** Lays what is given over the defaults. */
export function spoolSettings(option: string, given: GivenSpool): SpoolSettings {
  const isPath = typeof given === 'string' || given instanceof URL;
  const asked = isPath ? { directory: given } : given;
  const settings = settingsOf<Required<SpoolOptions>>(option, SPOOL_DEFAULTS, SPOOL_RULES, asked);
  const { directory } = settings;
  return { ...settings, directory: directory instanceof URL ? pathOf(directory) : directory };
}

function pathOf(url: URL): string {
  return process.getBuiltinModule('node:url').fileURLToPath(url);
}

/** The rule of the option, in the options of a pipeline. */
export const aSpool: Rule = optional((value, option, call) => {
  const isGiven = typeof value === 'string' || (typeof value === 'object' && value !== null);
  if (isGiven) call.attempt(() => spoolSettings(option, value as GivenSpool));
  else call.add(option, 'a directory, or an object with one', value);
});
