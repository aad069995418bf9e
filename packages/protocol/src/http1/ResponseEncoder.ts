/**
 * Response events in, octets out: RFC 9112 for the answering side, as one pure step.
 *
 * It owns framing: it decides between Content-Length, chunked and close, and holds the body to it. It owns the
 * connection's persistence: what it says in the head is what the driver must do. It cannot be talked into
 * response splitting: every name, value and phrase is checked octet by octet, and what fails is a typed error
 * before a single octet of that head has left.
 *
 * Text leaves as a string in which every character is one octet, so that a head and a small body become one
 * write without a copy.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import * as BodyFraming from "../http/BodyFraming.ts"
import type * as ConnectionId from "../http/ConnectionId.ts"
import * as Grammar from "../http/Grammar.ts"
import * as Latin1 from "../http/Latin1.ts"
import * as Status from "../http/Status.ts"
import * as Http1Error from "./Http1Error.ts"
import * as FieldLines from "./internal/fieldLines.ts"
import { failure } from "./internal/fieldLines.ts"
import * as HeadSemantics from "./internal/headSemantics.ts"
import type { Fields, ResponseEvent, ResponseHead } from "./ResponseEvent.ts"

/** What the encoder must know of the request that it answers. */
export interface Exchange {
  readonly connectionId: ConnectionId.ConnectionId
  /** Which message of the connection: 1 for the first. */
  readonly requestIndex: number
  readonly method: string
  readonly minorVersion: 0 | 1
  /** Whether the connection may go on afterwards. */
  readonly persistent: boolean
}

/** The exchange in which nothing is known of the request, as when its head was refused. */
export const unknownExchange = (connectionId: ConnectionId.ConnectionId, requestIndex: number): Exchange => ({
  connectionId,
  requestIndex,
  method: "GET",
  minorVersion: 1,
  persistent: false
})

/** A head, ready to be sent, and what was decided with it. */
export interface EncodedHead {
  readonly _tag: "EncodedHead"
  /** The head with the empty line behind it; one character for each octet. */
  readonly text: string
  /** How the body must be sent. `None` also for a HEAD request. */
  readonly framing: BodyFraming.BodyFraming
  /** Whether the connection goes on after this response. */
  readonly persistent: boolean
}

const statusLines = new Map<number, string>()

// RFC 9112 §4. The lines of registered phrases are built once: at most 400 strings.
const statusLine = (status: number): string => {
  let line = statusLines.get(status)
  if (line === undefined) {
    line = `HTTP/1.1 ${status} ${Status.reasonPhrase(status)}\r\n`
    statusLines.set(status, line)
  }
  return line
}

const kept = FieldLines.makeKept()

// Made once for as long as the date is the same.
let lastDate: string | undefined
let lastDateLine: string

const dateLine = (date: string): string => {
  if (date !== lastDate) {
    lastDate = date
    lastDateLine = `date: ${date}\r\n`
  }
  return lastDateLine
}

const parseLength = (value: string | ReadonlyArray<string>): number | undefined => {
  // Of a list of one it is the one; of others it is no row of digits.
  const text = String(value)
  if (!/^[0-9]+$/.test(text)) return undefined
  const length = Number(text)
  return length <= Number.MAX_SAFE_INTEGER ? length : undefined
}

/**
 * Encodes the head of a final response.
 *
 * `date` is the Date field's value (RFC 9110 §6.6.1), left out if the fields have one or it is `undefined`.
 *
 * @example
 * ```ts
 * import * as ConnectionId from "@nvo/protocol/http/ConnectionId"
 * import * as ResponseEncoder from "@nvo/protocol/http1/ResponseEncoder"
 *
 * const exchange = { ...ResponseEncoder.unknownExchange(ConnectionId.none, 1), persistent: true }
 * const head = ResponseEncoder.encodeHead(
 *   exchange,
 *   { _tag: "ResponseHead", status: 200, fields: { "content-type": "text/plain" }, bodyLength: 2 },
 *   undefined
 * )
 * // head.text === "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\n"
 * ```
 */
export const encodeHead = (
  exchange: Exchange,
  head: ResponseHead,
  date: string | undefined
): EncodedHead | Http1Error.Http1Error => {
  const { bodyLength, fields, reasonPhrase, status } = head
  if (!Status.isFinal(status)) return failure(exchange, "InvalidStatus", String(status))
  // RFC 9110 §9.3.6: behind such a head the peer would take everything for tunnelled data.
  if (exchange.method === "CONNECT" && status < 300)
    return failure(exchange, "ConnectWithoutTunnel", String(status))

  let text: string
  if (reasonPhrase === undefined) text = statusLine(status)
  else if (Grammar.isReasonPhrase(reasonPhrase)) text = `HTTP/1.1 ${status} ${reasonPhrase}\r\n`
  else return failure(exchange, "InvalidReasonPhrase", Http1Error.quote(reasonPhrase))

  let persistent = exchange.persistent
  let declared: number | undefined
  let hasDate = date === undefined
  let options = ""
  let upgrade = ""
  for (const name in fields) {
    const value = fields[name]
    // By length first: most names fall through with one comparison.
    switch (name.length) {
      case 4:
        if (name.toLowerCase() === "date") hasDate = true
        break
      case 7:
        // RFC 9110 §7.8: whoever sends Upgrade sends the connection option as well.
        if (name.toLowerCase() === "upgrade") upgrade = ", upgrade"
        break
      case 10: {
        const lower = name.toLowerCase()
        if (lower === "connection") {
          const members = HeadSemantics.listMembers(typeof value === "string" ? value : value.join(","))
          for (const member of members) {
            if (member === "close") persistent = false
            else if (member === "keep-alive") continue
            else if (member === "upgrade") upgrade = ", upgrade"
            else if (Grammar.isToken(member)) options += `, ${member}`
            else return failure(exchange, "InvalidResponseFieldValue", `${name}: ${Http1Error.quote(member)}`)
          }
          continue
        }
        if (lower === "keep-alive") continue
        break
      }
      case 14:
        if (name.toLowerCase() === "content-length") {
          // Names differ in case only: one of the two would be believed unseen.
          if (declared !== undefined) return failure(exchange, "InvalidResponseLength", "declared twice")
          declared =
            bodyLength !== undefined && value === String(bodyLength) ? bodyLength : parseLength(value)
          if (declared === undefined) {
            return failure(exchange, "InvalidResponseLength", Http1Error.quote(String(value)))
          }
          continue
        }
        break
      case 16:
        if (name.toLowerCase() === "proxy-connection") continue
        break
      case 17:
        if (name.toLowerCase() === "transfer-encoding") continue
        break
    }
    const lines = FieldLines.fieldLines(kept, exchange, name, value)
    if (typeof lines !== "string") return lines
    text += lines
  }
  if (!hasDate && date !== undefined) text += dateLine(date)

  const noContent = Status.hasNoContent(status)
  if (declared !== undefined && bodyLength !== undefined && declared !== bodyLength && !noContent) {
    // RFC 9110 §8.6: an answer to HEAD may declare what it does not send.
    if (exchange.method !== "HEAD" || bodyLength !== 0) {
      return failure(exchange, "ResponseLengthMismatch", `${declared} declared, ${bodyLength} given`)
    }
  }
  let framing = BodyFraming.none
  if (status === 205) {
    // RFC 9110 §15.3.6: no content, and said so.
    text += "content-length: 0\r\n"
  } else if (noContent) {
    // RFC 9110 §8.6: never in 204; in 304 it is the length that a 200 would have had.
    if (status === 304 && declared !== undefined) text += `content-length: ${declared}\r\n`
  } else if (exchange.method === "HEAD") {
    const length = declared ?? (bodyLength === 0 ? undefined : bodyLength)
    if (length !== undefined) text += `content-length: ${length}\r\n`
  } else {
    const length = declared ?? bodyLength
    if (length !== undefined) {
      text += `content-length: ${length}\r\n`
      framing = BodyFraming.length(length)
    } else if (exchange.minorVersion === 1) {
      text += "transfer-encoding: chunked\r\n"
      framing = BodyFraming.chunked
    } else {
      // RFC 9112 §6.3: HTTP/1.0 knows no chunks; the end of the connection ends the body.
      framing = BodyFraming.close
      persistent = false
    }
  }

  options = upgrade + options
  if (!persistent) text += `connection: close${options}\r\n`
  else if (exchange.minorVersion === 0) text += `connection: keep-alive${options}\r\n`
  else if (options !== "") text += `connection: ${options.slice(2)}\r\n`
  text += "\r\n"
  return { _tag: "EncodedHead", text, framing, persistent }
}

/**
 * Encodes an interim head: 100, or 102 to 199. Empty for an HTTP/1.0 peer, which must not be sent one
 * (RFC 9110 §15.2).
 */
export const encodeInterim = (
  exchange: Exchange,
  status: number,
  fields: Fields
): string | Http1Error.Http1Error => {
  if (!Status.isInterim(status) || status === 101)
    return failure(exchange, "InvalidInterimStatus", String(status))
  if (exchange.minorVersion === 0) return ""
  return encodePlainHead(exchange, status, fields)
}

/**
 * Encodes the head that ends HTTP/1.1 on a connection: 101 for an upgrade, 200 for CONNECT. What is sent after
 * it belongs to the next protocol. `fields` come with Connection and Upgrade where they are due.
 */
export const encodeSwitch = (
  exchange: Exchange,
  status: 101 | 200,
  fields: Fields
): string | Http1Error.Http1Error => encodePlainHead(exchange, status, fields)

const encodePlainHead = (
  exchange: Exchange,
  status: number,
  fields: Fields
): string | Http1Error.Http1Error => {
  let text = statusLine(status)
  for (const name in fields) {
    // RFC 9110 §8.6 and RFC 9112 §6.1: neither in a 1xx nor in a 2xx answer to CONNECT.
    if (/^(?:content-length|transfer-encoding)$/i.test(name)) continue
    const lines = FieldLines.fieldLines(kept, exchange, name, fields[name])
    if (typeof lines !== "string") return lines
    text += lines
  }
  return `${text}\r\n`
}

/** Where an encoder stands between two events. */
export type State =
  /** Nothing of the final response has been sent. */
  | { readonly _tag: "Head" }
  /** The head has been sent. `remaining` octets of a `Length` body are still due. */
  | {
      readonly _tag: "Body"
      readonly framing: BodyFraming.BodyFraming
      readonly persistent: boolean
      readonly remaining: number
    }
  | { readonly _tag: "Ended"; readonly persistent: boolean }
  /** The promise of the head was broken. The connection must end so that the peer can tell. */
  | { readonly _tag: "Failed"; readonly error: Http1Error.Http1Error }

/** What one step gave. After an error nothing more can be sent. */
export interface Step {
  readonly state: State
  readonly octets: ReadonlyArray<Latin1.Octets>
}

export const initial: State = { _tag: "Head" }

const NO_OCTETS: ReadonlyArray<Latin1.Octets> = []

const fail = (error: Http1Error.Http1Error): Step => ({ state: { _tag: "Failed", error }, octets: NO_OCTETS })

/** The state behind a head that was sent. */
export const afterHead = (head: EncodedHead): State => ({
  _tag: "Body",
  framing: head.framing,
  persistent: head.persistent,
  remaining: head.framing._tag === "Length" ? head.framing.length : 0
})

const stepData = (exchange: Exchange, state: State & { readonly _tag: "Body" }, bytes: Uint8Array): Step => {
  // An empty chunk would be the last one.
  if (bytes.length === 0) return { state, octets: NO_OCTETS }
  switch (state.framing._tag) {
    case "None":
      // Answers to HEAD, 204 and 304 have no content, whatever the application made for them.
      return { state, octets: NO_OCTETS }
    case "Close":
      return { state, octets: [bytes] }
    case "Chunked":
      return { state, octets: [`${bytes.length.toString(16)}\r\n`, bytes, "\r\n"] }
    case "Length":
      return bytes.length > state.remaining
        ? fail(failure(exchange, "ResponseTooLong", `${bytes.length - state.remaining} octets too many`))
        : { state: { ...state, remaining: state.remaining - bytes.length }, octets: [bytes] }
  }
}

// RFC 9110 §6.5.1.
const forbiddenTrailers: ReadonlySet<string> = new Set([
  "content-length",
  "transfer-encoding",
  "host",
  "trailer",
  "content-encoding",
  "content-type",
  "content-range",
  "connection",
  "set-cookie"
])

const stepEnd = (
  exchange: Exchange,
  state: State & { readonly _tag: "Body" },
  trailers: Fields | undefined
): Step => {
  const ended: State = { _tag: "Ended", persistent: state.persistent }
  if (state.framing._tag === "Length" && state.remaining > 0) {
    return fail(failure(exchange, "ResponseTooShort", `${state.remaining} octets missing`))
  }
  if (state.framing._tag !== "Chunked") return { state: ended, octets: NO_OCTETS }
  let section = ""
  for (const name in trailers) {
    if (forbiddenTrailers.has(name.toLowerCase()))
      return fail(failure(exchange, "ForbiddenResponseTrailer", name))
    const lines = FieldLines.fieldLines(kept, exchange, name, trailers[name])
    if (typeof lines !== "string") return fail(lines)
    section += lines
  }
  return { state: ended, octets: [`0\r\n${section}\r\n`] }
}

/** Encodes one event. `date` is needed for the final head only. */
export const step = (exchange: Exchange, state: State, event: ResponseEvent, date?: string): Step => {
  if (state._tag === "Failed") return { state, octets: NO_OCTETS }
  switch (event._tag) {
    case "InterimHead": {
      if (state._tag !== "Head") break
      const text = encodeInterim(exchange, event.status, event.fields)
      return typeof text === "string" ? { state, octets: text === "" ? NO_OCTETS : [text] } : fail(text)
    }
    case "ResponseHead": {
      if (state._tag !== "Head") break
      const head = encodeHead(exchange, event, date)
      return head._tag === "EncodedHead" ? { state: afterHead(head), octets: [head.text] } : fail(head)
    }
    case "ResponseData":
      if (state._tag !== "Body") break
      return stepData(exchange, state, event.bytes)
    case "ResponseEnd":
      if (state._tag !== "Body") break
      return stepEnd(exchange, state, event.trailers)
  }
  return fail(failure(exchange, "ResponseOutOfOrder", `${event._tag} after ${state._tag}`))
}

/**
 * The encoder as a transform of streams: the events of one response to its octets. Fails with the first broken
 * promise, and with `ResponseOutOfOrder` if the events end before the response does.
 */
export const encode =
  (exchange: Exchange, options?: { readonly date?: string | undefined }) =>
  <E, R>(self: Stream.Stream<ResponseEvent, E, R>): Stream.Stream<Uint8Array, E | Http1Error.Http1Error, R> =>
    Stream.transformPull(self, (upstream) =>
      Effect.sync(() => {
        let state = initial as State
        type Out = Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, E | Http1Error.Http1Error>
        const finish = Effect.suspend((): Pull.Pull<never, Http1Error.Http1Error> => {
          return state._tag === "Ended"
            ? Cause.done()
            : Effect.fail(failure(exchange, "ResponseOutOfOrder", `the events ended after ${state._tag}`))
        })
        const pull: Out = Effect.suspend((): Out => {
          if (state._tag === "Failed") return Effect.fail(state.error)
          return Pull.catchDone(
            Effect.flatMap(upstream, (events): Out => {
              const octets: Array<Uint8Array> = []
              for (const event of events) {
                const result = step(exchange, state, event, options?.date)
                state = result.state
                for (const item of result.octets) octets.push(Latin1.toBytes(item))
              }
              return Arr.isArrayNonEmpty(octets) ? Effect.succeed(octets) : pull
            }),
            () => finish
          )
        })
        return pull
      })
    )
