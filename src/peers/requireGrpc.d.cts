import type * as grpcJs from '@grpc/grpc-js';

/** Throws where the package is not installed. */
export function find(): string;
/** Loads the package, or throws where it is not installed. */
export function load(): typeof grpcJs;
