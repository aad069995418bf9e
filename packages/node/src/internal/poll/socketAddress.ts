/**
 * Socket addresses as the operating system has them (`struct sockaddr_in`, `_in6` and `_un`), read and written.
 * Pure; numbers of the network are big-endian, those of the host little-endian.
 */
import * as NetAddress from "effect/net/NetAddress"
import * as Platform from "./platform.ts"

/** Port of both families, then the IPv4 address or the flow label of IPv6. */
const PORT = 2
const IPV4 = 4
const IPV6 = 8
const SCOPE = 24
const LENGTH_V4 = 16
const LENGTH_V6 = 28

const header = (family: number, length: number): Buffer => {
  const bytes = Buffer.alloc(length)
  bytes.writeUInt16LE(family, 0)
  return bytes
}

/** An internet address. */
export const encodeInet = (address: NetAddress.InetAddress): Buffer => {
  if (NetAddress.isInetAddressV4(address)) {
    const bytes = header(Platform.AF_INET, LENGTH_V4)
    bytes.writeUInt16BE(address.port, PORT)
    bytes.set(NetAddress.ipv4ToOctets(address.address), IPV4)
    return bytes
  }
  const bytes = header(Platform.AF_INET6, LENGTH_V6)
  bytes.writeUInt16BE(address.port, PORT)
  NetAddress.ipv6ToSegments(address.address).forEach((segment, i) => {
    bytes.writeUInt16BE(segment, IPV6 + 2 * i)
  })
  bytes.writeUInt32LE(address.scopeId, SCOPE)
  return bytes
}

/**
 * The path of a unix socket, `undefined` where it is too long. One that begins with NUL is a name of Linux's
 * abstract namespace, and ends with the address.
 */
export const encodePath = (path: string): Buffer | undefined => {
  const name = Buffer.from(path)
  const isAbstract = name[0] === 0
  if (name.length + (isAbstract ? 0 : 1) > Platform.PATH_BYTES) return undefined
  const bytes = header(Platform.AF_UNIX, PORT + name.length + (isAbstract ? 0 : 1))
  bytes.set(name, PORT)
  return bytes
}

/** An internet address, `undefined` for any other. */
export const decodeInet = (bytes: Buffer): NetAddress.InetAddress | undefined => {
  const family = bytes.readUInt16LE(0)
  const port = bytes.readUInt16BE(PORT)
  if (family === Platform.AF_INET) {
    return NetAddress.inetAddressUnsafe(NetAddress.ipv4FromBytesUnsafe(bytes.subarray(IPV4, IPV4 + 4)), port)
  }
  if (family !== Platform.AF_INET6) return undefined
  const address = NetAddress.ipv6FromBytesUnsafe(bytes.subarray(IPV6, IPV6 + 16))
  const scopeId = bytes.readUInt32LE(SCOPE)
  const result = NetAddress.inetAddressV6(address, port, { scopeId })
  return result._tag === "Success" ? result.success : undefined
}
