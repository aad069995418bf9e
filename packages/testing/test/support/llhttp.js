/**
 * What two readers make of the same octets: nvo's decoder, and llhttp as Node's own server uses it. Messages are
 * written down in one form, so that they can be compared.
 */
import * as Http from "node:http"
import { Duplex } from "node:stream"
import { RequestDecoder } from "@nvo/protocol"
import { Bytes } from "@nvo/testing"
/** nvo's reading. It ends in front of what belongs to another protocol. */
export const readByNvo = (chunks) => {
  const decoder = RequestDecoder.make()
  const messages = []
  let state = RequestDecoder.initial
  let persistent = true
  let goesOn = true
  for (const chunk of chunks) {
    let rest = chunk
    do {
      const step = RequestDecoder.step(decoder, state, rest)
      for (const event of step.events) {
        if (!goesOn) break
        const last = messages.at(-1)
        switch (event._tag) {
          case "RequestHead":
            persistent = event.persistent
            messages.push({
              method: event.method,
              target: event.rawTarget,
              minorVersion: event.minorVersion,
              fields: [...event.fields],
              body: "",
              trailers: [],
              complete: false
            })
            break
          case "BodyData":
            last.body += Bytes.toText(event.bytes)
            break
          case "RequestEnd":
            last.trailers = [...event.trailers]
            last.complete = true
            goesOn = persistent
            break
        }
      }
      state = step.state
      rest = step.rest
    } while (goesOn && rest.length > 0 && state._tag !== "Failed")
  }
  // What stands behind a message that ends the connection is nobody's (RFC 9112 §9.6).
  if (!goesOn) return { messages, refused: undefined }
  if (state._tag === "Failed") return { messages, refused: state.error.reason._tag }
  const outcome = RequestDecoder.end(decoder, state)
  return { messages, refused: outcome._tag === "Failed" ? outcome.error.reason._tag : undefined }
}
class Wire extends Duplex {
  _read() {}
  _write(_chunk, _encoding, done) {
    done()
  }
}
const pairs = (raw) => Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i], raw[2 * i + 1]])
/** Node's server over a connection in memory. It answers everything at once, so that it goes on reading. */
export class NodeReader {
  server
  messages = []
  refused
  stop
  constructor() {
    const onRequest = (request, response) => {
      const message = {
        method: request.method ?? "",
        target: request.url ?? "",
        minorVersion: request.httpVersionMinor,
        fields: pairs(request.rawHeaders),
        body: "",
        trailers: [],
        complete: false
      }
      this.messages.push(message)
      request.setEncoding("latin1")
      request.on("data", (text) => {
        message.body += text
      })
      request.on("end", () => {
        message.complete = true
        message.trailers = pairs(request.rawTrailers)
        // Keep-alive whatever was asked for: how messages are framed is what is compared.
        if (response !== undefined) {
          response.shouldKeepAlive = true
          response.end()
        }
      })
      request.on("error", () => {})
    }
    this.server = Http.createServer({ requireHostHeader: false, keepAlive: true }, onRequest)
    this.server.on("checkContinue", onRequest)
    this.server.on("checkExpectation", onRequest)
    this.server.on("connect", (request) => {
      onRequest(request)
      this.messages[this.messages.length - 1].complete = true
      this.stop?.()
    })
    this.server.on("clientError", (error, socket) => {
      // What llhttp says of octets behind a message that ends the connection.
      if (error.code !== "HPE_CLOSED_CONNECTION") this.refused ??= error.code ?? error.message
      socket.destroy()
    })
  }
  read(chunks) {
    this.messages = []
    this.refused = undefined
    return new Promise((resolve) => {
      const wire = new Wire()
      const done = () => {
        this.stop = undefined
        wire.destroy()
        resolve({ messages: this.messages, refused: this.refused })
      }
      this.stop = done
      wire.on("error", () => {})
      wire.on("close", done)
      this.server.emit("connection", wire)
      for (const chunk of chunks) if (chunk.length > 0) wire.push(chunk)
      wire.push(null)
    })
  }
}
const HEAD = ["method", "target", "minorVersion", "fields"]
const differsIn = (parts, a, b) => parts.find((part) => JSON.stringify(a[part]) !== JSON.stringify(b[part]))
/** Whether Node's parser leaves HTTP behind this head: a tunnel, or an upgrade that was asked for. */
export const handsOn = ({ fields, method }) =>
  method === "CONNECT" || fields.some(([name]) => name.toLowerCase() === "upgrade")
/** The first difference, message by message; `undefined` where both say the same, or both refuse. */
export const difference = (nvo, node) => {
  const framing = (part) => ({ _tag: "Framing", part })
  const refusal = (by, reading) => ({
    _tag: "Refusal",
    by,
    reason: reading.refused ?? "nothing"
  })
  for (let i = 0; i < Math.max(nvo.messages.length, node.messages.length); i++) {
    const ours = nvo.messages[i]
    const theirs = node.messages[i]
    if (ours === undefined || theirs === undefined) {
      // The other reader has refused already, or has seen the head of a message that this one refuses.
      if (nvo.refused !== undefined && node.refused !== undefined) return undefined
      return ours === undefined ? refusal("nvo", nvo) : refusal("node", node)
    }
    const head = differsIn(HEAD, ours, theirs)
    if (head !== undefined) return framing(head)
    // Node takes what stands behind these heads for another protocol, whatever the head says of a body.
    if (handsOn(ours)) return undefined
    if (ours.complete && theirs.complete) {
      const rest = differsIn(["body", "trailers"], ours, theirs)
      if (rest !== undefined) return framing(rest)
      continue
    }
    if (!ours.body.startsWith(theirs.body) && !theirs.body.startsWith(ours.body)) return framing("body")
    if (ours.complete) return refusal("node", node)
    if (theirs.complete) return refusal("nvo", nvo)
    // Neither took it.
    return nvo.refused !== undefined && node.refused === undefined ? refusal("nvo", nvo) : undefined
  }
  if (nvo.refused !== undefined && node.refused === undefined) return refusal("nvo", nvo)
  if (node.refused !== undefined && nvo.refused === undefined) return refusal("node", node)
  return undefined
}
//# sourceMappingURL=llhttp.js.map
