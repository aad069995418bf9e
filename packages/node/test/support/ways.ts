/** Every way to speak HTTP to a server: what is spoken, through what, and what a peer of it sees differently. */
import type { NvoServer } from "@nvo/node"
import * as Certificate from "./peersCertificate.ts"

/** What differs from way to way because the protocols do: a suite that looks at it asks here for the answer that is due. */
export interface Expected {
  /** What ends with a message that cannot be completed (RFC 9112 §8, RFC 9113 §8.1.1). */
  readonly broken: "connection" | "stream"
  /** Connection, in the last response of a connection (RFC 9112 §9.6). HTTP/2 says it in GOAWAY (RFC 9113 §6.8). */
  readonly lastConnection: "close" | undefined
  /** How requests that were sent at once are handled (RFC 9112 §9.3.2, RFC 9113 §5). */
  readonly handled: "one after the other" | "at once"
  /** Whether trailers can stand behind a body with Content-Length: in HTTP/1.1 only in chunks (RFC 9112 §7.1.2). */
  readonly trailersBehindLength: boolean
}

const http1: Expected = {
  broken: "connection",
  lastConnection: "close",
  handled: "one after the other",
  trailersBehindLength: false
}
const http2: Expected = {
  broken: "stream",
  lastConnection: undefined,
  handled: "at once",
  trailersBehindLength: true
}

export interface Way {
  readonly name: string
  readonly version: "1.1" | "2"
  readonly scheme: "http" | "https"
  /** What a server needs to be reached in this way. */
  readonly options: NvoServer.Options
  readonly expected: Expected
}

const tls = { tls: Certificate, transport: "net" } as const

/** Every way. */
export const ways: ReadonlyArray<Way> = [
  { name: "h1", version: "1.1", scheme: "http", options: { transport: "net" }, expected: http1 },
  { name: "h1 with TLS", version: "1.1", scheme: "https", options: tls, expected: http1 },
  { name: "h2c", version: "2", scheme: "http", options: { transport: "net" }, expected: http2 },
  { name: "h2 with TLS", version: "2", scheme: "https", options: tls, expected: http2 },
  { name: "h1 by a poller", version: "1.1", scheme: "http", options: { transport: "poll" }, expected: http1 },
  { name: "h2c by a poller", version: "2", scheme: "http", options: { transport: "poll" }, expected: http2 }
]
