/**
 * Which protocol is spoken on a connection: what ALPN agreed on, and without TLS what the first octets say, since a
 * client that knows beforehand begins with the preface of HTTP/2 (RFC 9113 §3.3).
 */
import type * as Transport from "../Transport.ts"
import { Connection, type HandOver } from "./connection.ts"
import type { EngineContext } from "./engineContext.ts"
import { Http2Connection } from "./http2/connection.ts"
import type { Served } from "./served.ts"

// A connection without TLS is one of HTTP/1.1 until the preface is there, however it is split.
const toHttp2: HandOver = ({ acceptedAt, deadlines, engine, surplus, transport }, octets) =>
  new Http2Connection(engine, transport, acceptedAt, surplus, octets, deadlines.began)

/** The program of a connection that was accepted. */
export const choose = (
  engine: EngineContext,
  transport: Transport.Connection,
  acceptedAt: number,
  surplus: boolean
): Served => {
  if (engine.config.http2 && transport.tls?.alpnProtocol === "h2") {
    const began = engine.deadlines.now()
    return new Http2Connection(engine, transport, acceptedAt, surplus, undefined, began)
  }
  const connection = new Connection(engine, transport, acceptedAt, surplus)
  if (engine.config.http2 && transport.tls === undefined) connection.handOver = toHttp2
  return connection
}
