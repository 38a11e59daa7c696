/**
 * How much our sockets hold before they say that they are full. A full socket reports when all of it has been handed to the system.
 * So the sender of a piece that fills the socket by itself learns when the memory is free again, and the sender of a smaller piece
 * does not. It is set on each socket: the default of the process may change while the socket lives.
 */
export const SOCKET_HIGH_WATER_MARK_BYTES = 64 * 1024;
