/** Who writes or sends a file. */
interface Owner {
  readonly pid: number;
  /** When the process began, in ticks since the machine did: an id may be given to another process later. 0 where the system does not tell. */
  readonly startTicks: string;
  /** The machine since its last start, and the space of its process ids: in another container the same id is another process. */
  readonly world: string;
}

const UNKNOWN = '0';

/** This process, as a part of a file's name. */
export function thisOwner(): string {
  const { pid } = process;
  return `${pid}-${startTicksOf(pid)}-${world()}`;
}

/** Whether the owner of a file has certainly ended. Of one in another container or on another machine that cannot be seen. */
export function isGone(owner: string): boolean {
  const { pid, startTicks, world: itsWorld } = parsed(owner);
  if (itsWorld !== world()) return false;
  if (!isRunning(pid)) return true;
  return startTicks !== UNKNOWN && startTicks !== startTicksOf(pid);
}

function parsed(owner: string): Owner {
  const [pid = '', startTicks = UNKNOWN, world = ''] = owner.split('-');
  return { pid: Number(pid), startTicks, world };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0); // it is sent nothing
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH'; // it is somebody else's
  }
}

/** Linux tells it in the 22nd field, behind the name of the program in parentheses, which may hold spaces. */
function startTicksOf(pid: number): string {
  const text = textOf(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? UNKNOWN;
}

function world(): string {
  const { hostname } = process.getBuiltinModule('node:os');
  const boot = textOf('/proc/sys/kernel/random/boot_id')?.trim() ?? hostname();
  return process.getBuiltinModule('node:zlib').crc32(`${boot} ${processSpace()}`).toString(16);
}

function processSpace(): string {
  try {
    return process.getBuiltinModule('node:fs').readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function textOf(path: string): string | undefined {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(path, 'utf8');
  } catch {
    return undefined; // only Linux has it
  }
}
