/**
 * Opens listening sockets: where, with which options, and errors as `node:net` says them.
 */
import * as Dns from "node:dns/promises"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Util from "node:util"
import type { Transport } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Platform from "./platform.ts"
import * as SocketAddress from "./socketAddress.ts"
import type { System } from "./system.ts"

const DEFAULT_BACKLOG = 511
const { EACCES, EAFNOSUPPORT, EINVAL, ENAMETOOLONG, ENOENT } = Os.constants.errno

/** A place to listen. */
export interface Place {
  readonly family: number
  readonly bytes: Buffer
  /** As errors name it. */
  readonly name: string
  readonly path: string | undefined
}

/** A socket that listens. */
export interface Listening {
  readonly fd: number
  readonly address: NetAddress.SocketAddress
  readonly path: string | undefined
}

const listenError = (errno: number, name: string): NodeJS.ErrnoException => {
  const code = Util.getSystemErrorName(-errno)
  return Object.assign(new Error(`listen ${code}: ${Util.getSystemErrorMessage(-errno)} ${name}`), {
    code,
    errno: -errno,
    syscall: "listen"
  })
}

const inetPlace = (host: string, port: number): Place => {
  const address = Result.getOrThrow(
    NetAddress.inetAddressFromHostString(
      host,
      port,
      NetAddress.scopeIdsFromInterfaces(Object.entries(Os.networkInterfaces()))
    )
  )
  return {
    family: NetAddress.isInetAddressV4(address) ? Platform.AF_INET : Platform.AF_INET6,
    bytes: SocketAddress.encodeInet(address),
    name: NetAddress.formatInet(address),
    path: undefined
  }
}

/** Where options say to listen: the first place that is to be had counts. */
export const places = ({
  host,
  path,
  port = 0
}: Transport.ListenOptions): Effect.Effect<ReadonlyArray<Place>, unknown> =>
  Effect.tryPromise({
    try: async () => {
      if (path !== undefined) {
        const bytes = SocketAddress.encodePath(path)
        if (bytes === undefined) throw listenError(ENAMETOOLONG, path)
        return [{ family: Platform.AF_UNIX, bytes, name: path, path }]
      }
      // As in `node:net`: IPv4 alone only where there is no IPv6.
      if (host === undefined) return ["::", "0.0.0.0"].map((any) => inetPlace(any, port))
      const literal = host.includes("%") || Net.isIP(host) !== 0
      return [inetPlace(literal ? host : (await Dns.lookup(host)).address, port)]
    },
    catch: (cause) => cause
  })

const openAt = (system: System, place: Place, options: Transport.ListenOptions): number => {
  const fd = system.socket(place.family)
  if (fd < 0) return fd
  const isPath = place.family === Platform.AF_UNIX
  const steps = [
    () => (isPath ? 0 : system.option(fd, Platform.SOL_SOCKET, Platform.SO_REUSEADDR, 1)),
    () => (options.reusePort === true ? system.option(fd, Platform.SOL_SOCKET, Platform.SO_REUSEPORT, 1) : 0),
    () =>
      place.family === Platform.AF_INET6
        ? system.option(fd, Platform.IPPROTO_IPV6, Platform.IPV6_V6ONLY, options.ipv6Only === true ? 1 : 0)
        : 0,
    // What is accepted takes it over.
    () => (isPath ? 0 : system.option(fd, Platform.IPPROTO_TCP, Platform.TCP_NODELAY, 1)),
    () => system.bind(fd, place.bytes),
    () => system.listen(fd, options.backlog ?? DEFAULT_BACKLOG)
  ]
  for (const step of steps) {
    const result = step()
    if (result < 0) {
      system.close(fd)
      // As libuv says it, where the directory is missing.
      return result === -ENOENT && isPath ? -EACCES : result
    }
  }
  return fd
}

/** Opens a socket that listens. Throws an error as `node:net` has it. */
export const open = (
  system: System,
  places: ReadonlyArray<Place>,
  options: Transport.ListenOptions
): Listening => {
  let failure = listenError(EINVAL, "")
  for (const place of places) {
    const fd = openAt(system, place, options)
    if (fd < 0) {
      failure = listenError(-fd, place.name)
      if (fd === -EAFNOSUPPORT || places.length > 1) continue
      break
    }
    if (place.path !== undefined)
      return { fd, address: NetAddress.unixPathAddress(place.path), path: place.path }
    const result = system.localAddress(fd)
    const address = result < 0 ? undefined : SocketAddress.decodeInet(system.address)
    if (address !== undefined) return { fd, address, path: undefined }
    system.close(fd)
    failure = listenError(result < 0 ? -result : EINVAL, place.name)
  }
  throw failure
}
