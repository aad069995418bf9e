/**
 * Which protocol is spoken on a connection: what ALPN agreed on, and without TLS what the first octets say, since a
 * client that knows beforehand begins with the preface of HTTP/2 (RFC 9113 §3.3).
 */
import type * as Transport from "../Transport.ts"
import { Connection } from "./connection.ts"
import type { EngineContext } from "./engineContext.ts"
import { Http2Connection } from "./http2/connection.ts"
import type { Served } from "./served.ts"

// A connection that is one of HTTP/1.1 until the preface is there, however it is split.
class Cleartext implements Served {
  private served: Served

  constructor(engine: EngineContext, transport: Transport.Connection, acceptedAt: number, surplus: boolean) {
    const connection = new Connection(engine, transport, acceptedAt, surplus)
    const handOver = (octets: Uint8Array) => {
      const { began } = connection.deadlines
      const successor = new Http2Connection(engine, transport, acceptedAt, surplus, octets, began)
      this.served = successor
      return successor.run
    }
    connection.handOver = handOver
    this.served = connection
  }

  get id() {
    return this.served.id
  }

  get transport() {
    return this.served.transport
  }

  get run() {
    return this.served.run
  }

  get info() {
    return this.served.info
  }

  get phase() {
    return this.served.phase
  }

  get idleSince() {
    return this.served.idleSince
  }

  retire(): void {
    this.served.retire()
  }

  leave(): void {
    this.served.leave()
  }

  cut(): void {
    this.served.cut()
  }

  dispose(): void {
    this.served.dispose()
  }

  drainError() {
    return this.served.drainError()
  }
}

/** The program of a connection that was accepted. */
export const choose = (
  engine: EngineContext,
  transport: Transport.Connection,
  acceptedAt: number,
  surplus: boolean
): Served => {
  if (engine.config.http2) {
    if (transport.tls === undefined) return new Cleartext(engine, transport, acceptedAt, surplus)
    if (transport.tls.alpnProtocol === "h2") {
      const began = engine.deadlines.now()
      return new Http2Connection(engine, transport, acceptedAt, surplus, undefined, began)
    }
  }
  return new Connection(engine, transport, acceptedAt, surplus)
}
