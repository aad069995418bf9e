/**
 * Numbers of the operating system's C headers, as data. Those that Node has itself (`os.constants`) are taken from
 * there. They are Linux's, where the poller runs.
 */

export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10

export const SOCK_STREAM = 1
/** Not blocking, and closed by exec: added to the type of a socket, and to the flags of accept4. */
export const SOCK_FLAGS = 0x800 | 0x80000

export const SOL_SOCKET = 1
export const SO_REUSEADDR = 2
export const SO_ERROR = 4
export const SO_LINGER = 13
export const SO_REUSEPORT = 15

export const IPPROTO_TCP = 6
export const TCP_NODELAY = 1
export const IPPROTO_IPV6 = 41
export const IPV6_V6ONLY = 26

export const MSG_NOSIGNAL = 0x4000
export const SHUT_WR = 1

/** Octets of `sun_path`. */
export const PATH_BYTES = 108
