/** The first octets of a connection without TLS, until they say which protocol is spoken (RFC 9113 §3.3). */
import { ServerConnection } from "@nvo/protocol"

/** See the module. */
export class Preface {
  /** What has come, while it may be part of the preface of HTTP/2. */
  held: Uint8Array | undefined = undefined

  /** Takes octets that came, and gives all of them once it is known whether they begin with the preface. */
  match(chunk: Uint8Array): { readonly octets: Uint8Array; readonly isHttp2: boolean } | undefined {
    let octets = chunk
    if (this.held !== undefined) {
      octets = new Uint8Array(this.held.length + chunk.length)
      octets.set(this.held)
      octets.set(chunk, this.held.length)
    }
    const found = ServerConnection.matchPreface(octets)
    this.held = found === "Partial" ? octets : undefined
    return found === "Partial" ? undefined : { octets, isHttp2: found === "Complete" }
  }
}
