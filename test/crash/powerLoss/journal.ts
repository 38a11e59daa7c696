/** One thing that a process did, in the order in which it did them. */
export type Deed =
  | { readonly kind: 'create'; readonly path: string; readonly inode: number }
  | { readonly kind: 'write'; readonly inode: number; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly inode: number; readonly length: number }
  | { readonly kind: 'sync'; readonly inode: number }
  | { readonly kind: 'syncDirectory'; readonly path: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'makeDirectory'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'told'; readonly text: string };

const HEAD_BYTES = 32;

/** What `shim.c` has journaled. Of a process that was killed the last record may be cut off. */
export function deedsIn(journal: Buffer): Deed[] {
  const deeds: Deed[] = [];
  for (let at = 0; at + HEAD_BYTES <= journal.length; ) {
    const pathEnd = at + HEAD_BYTES + journal.readUInt32LE(at + 4);
    const end = pathEnd + journal.readUInt32LE(at + 8);
    if (end > journal.length) break;
    const path = journal.toString('utf8', at + HEAD_BYTES, pathEnd);
    const [inode, offset] = [Number(journal.readBigUInt64LE(at + 16)), Number(journal.readBigUInt64LE(at + 24))];
    deeds.push(deedOf(journal[at] ?? 0, { path, inode, offset, data: journal.subarray(pathEnd, end) }));
    at = end;
  }
  return deeds;
}

interface Parts {
  readonly path: string;
  readonly inode: number;
  readonly offset: number;
  readonly data: Buffer;
}

function deedOf(op: number, { path, inode, offset, data }: Parts): Deed {
  switch (op) {
    case 1:
      return { kind: 'create', path, inode };
    case 2:
      return { kind: 'write', inode, offset, data };
    case 3:
      return { kind: 'truncate', inode, length: offset };
    case 4:
      return { kind: 'sync', inode };
    case 5:
      return { kind: 'syncDirectory', path };
    case 6:
      return { kind: 'rename', path, to: data.toString() };
    case 7:
      return { kind: 'unlink', path };
    case 8:
      return { kind: 'makeDirectory', path };
    case 9:
      return { kind: 'told', text: data.toString() };
    default:
      throw new RangeError(`the journal has a record of kind ${op}`);
  }
}
