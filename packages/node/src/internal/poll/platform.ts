/**
 * What differs between the operating systems that the poller knows, as data: numbers and layouts of their C
 * headers. Numbers that Node has itself (`os.constants`) are taken from there.
 */

/** The numbers of one operating system. */
export interface Platform {
  readonly AF_UNIX: number
  readonly AF_INET: number
  readonly AF_INET6: number
  readonly SOCK_STREAM: number
  /** Added to the type of a socket, and to the flags of accept4: non-blocking, closed by exec. 0: set by fcntl. */
  readonly SOCK_FLAGS: number
  readonly SOL_SOCKET: number
  readonly SO_REUSEADDR: number
  readonly SO_REUSEPORT: number
  readonly SO_ERROR: number
  /** Seconds, as `struct linger` counts them. */
  readonly SO_LINGER: number
  /** 0 where MSG_NOSIGNAL serves. */
  readonly SO_NOSIGPIPE: number
  /** 0 where SO_NOSIGPIPE serves. */
  readonly MSG_NOSIGNAL: number
  readonly IPV6_V6ONLY: number
  /** Octets of `sun_path`. */
  readonly pathBytes: number
  /** Whether a socket address begins with its length. */
  readonly hasAddressLength: boolean
  readonly errnoLocation: "__errno_location" | "__error"
}

const linux: Platform = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  SOCK_STREAM: 1,
  SOCK_FLAGS: 0x800 | 0x80000,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_REUSEPORT: 15,
  SO_ERROR: 4,
  SO_LINGER: 13,
  SO_NOSIGPIPE: 0,
  MSG_NOSIGNAL: 0x4000,
  IPV6_V6ONLY: 26,
  pathBytes: 108,
  hasAddressLength: false,
  errnoLocation: "__errno_location"
}

const bsd = {
  AF_UNIX: 1,
  AF_INET: 2,
  SOCK_STREAM: 1,
  SOL_SOCKET: 0xffff,
  SO_REUSEADDR: 4,
  SO_REUSEPORT: 0x200,
  SO_ERROR: 0x1007,
  IPV6_V6ONLY: 27,
  pathBytes: 104,
  hasAddressLength: true,
  errnoLocation: "__error"
} as const

const platforms: Readonly<Record<string, Platform>> = {
  linux,
  darwin: {
    ...bsd,
    AF_INET6: 30,
    SOCK_FLAGS: 0,
    SO_LINGER: 0x1080,
    SO_NOSIGPIPE: 0x1022,
    MSG_NOSIGNAL: 0
  },
  freebsd: {
    ...bsd,
    AF_INET6: 28,
    SOCK_FLAGS: 0x20000000 | 0x10000000,
    SO_LINGER: 0x80,
    SO_NOSIGPIPE: 0,
    MSG_NOSIGNAL: 0x20000
  }
}

/** The numbers of an operating system by Node's name for it; `undefined` where the poller does not know it. */
export const of = (name: string): Platform | undefined => platforms[name]

/** IPPROTO_TCP, IPPROTO_IPV6 and TCP_NODELAY are the same everywhere. */
export const IPPROTO_TCP = 6
export const IPPROTO_IPV6 = 41
export const TCP_NODELAY = 1
