type Coding = 'gzip' | 'zstd';

/** Whether the runtime's `CompressionStream` has this coding. It says so only when it is asked for one. */
export function canCompress(coding: Coding): boolean {
  try {
    return streamOf(coding) !== undefined;
  } catch {
    return false;
  }
}

export async function compressed(bytes: Uint8Array, coding: Coding): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(streamOf(coding));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The types know only what all runtimes have. */
function streamOf(coding: Coding): CompressionStream {
  return new CompressionStream(coding as 'gzip');
}
