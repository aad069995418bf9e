/**
 * Handing a connection to another protocol: 101 for an Upgrade (RFC 9110 §7.8), 200 for CONNECT (§9.3.6).
 *
 * The switch is sent when the socket's reader is acquired, after the request's body. What the peer sent behind
 * its request comes first on the reader. Releasing the reader's Scope ends the connection.
 */
import { Grammar, ResponseEncoder } from "@nvo/protocol"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import { HttpServerError, InternalError, RequestParseError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Pull from "effect/Pull"
import type * as Socket from "effect/socket/Socket"
import * as ConnectionState from "../ConnectionState.ts"
import type { TransportError } from "../TransportError.ts"
import * as ConnectionSocket from "./connectionSocket.ts"
import { openError } from "./connectionSocket.ts"
import type { Exchange, Fields } from "./exchange.ts"
import type { Http1Exchange } from "./http1Exchange.ts"
import * as RequestBody from "./requestBody.ts"
import type { Attended } from "./webSocket/attended.ts"
import type { Takeover } from "./webSocket/carrier.ts"
import * as WebSocketOpen from "./webSocket/open.ts"
import type { Session } from "./webSocket/session.ts"
import * as SessionSocket from "./webSocket/sessionSocket.ts"
import * as Settings from "./webSocket/settings.ts"

// What the switch itself says, and what would put a body behind it.
const reserved: ReadonlySet<string> = new Set([
  "connection",
  "upgrade",
  "content-length",
  "transfer-encoding"
])

export const refused = (request: HttpServerRequest, description: string) =>
  new HttpServerError({ reason: new RequestParseError({ request, description }) })

export const misused = (request: HttpServerRequest, description: string) =>
  new HttpServerError({ reason: new InternalError({ request, description }) })

export const invalidHeader = (headers: Headers.Headers): string | undefined => {
  for (const name in headers) {
    if (reserved.has(name)) return `Upgrade responses cannot set the ${name} header`
    if (!Grammar.isToken(name) || !Grammar.isFieldValue(headers[name])) {
      return `Invalid upgrade response header: ${JSON.stringify(name)}`
    }
  }
  return undefined
}

/** `HttpServerRequest.upgradeWith`. */
export const upgrade = (
  exchange: Http1Exchange,
  request: HttpServerRequest,
  headers: Headers.Headers
): Effect.Effect<Socket.Socket, HttpServerError> =>
  Effect.suspend(() => {
    const tunnel = exchange.method === "CONNECT"
    const protocol = exchange.head.upgrade
    if (!tunnel && protocol === undefined)
      return Effect.fail(refused(request, "not an upgradeable ServerRequest"))
    if (protocol !== undefined && isWebSocket(protocol)) return webSocketSocket(exchange, request, headers)
    const invalid = invalidHeader(headers)
    if (invalid !== undefined) return Effect.fail(misused(request, invalid))
    return Effect.succeed(makeSocket(exchange, request, headers, tunnel ? undefined : protocol))
  })

const isWebSocket = (protocols: string): boolean =>
  protocols.split(",").some((protocol) => protocol.trim().toLowerCase() === "websocket")

// As with other servers of Effect: no fields of the application's, and the client's first subprotocol.
export const webSocketSocket = (
  exchange: Exchange,
  request: HttpServerRequest,
  headers: Headers.Headers
): Effect.Effect<Socket.Socket, HttpServerError> => {
  for (const name in headers) {
    return Effect.fail(misused(request, `WebSocket upgrades do not take response headers: ${name}`))
  }
  const settings = Settings.make(exchange.engine.config)
  return Effect.map(WebSocketOpen.accept(exchange, request, "any", settings), (accepted) =>
    SessionSocket.make(
      Effect.andThen(finishBody(exchange, request), WebSocketOpen.open(exchange, accepted, settings))
    )
  )
}

// The request's body ends before the other protocol begins; what nobody read of it is thrown away. An extended CONNECT
// has none: what follows its head is said in the other protocol (RFC 8441 §5).
export const finishBody = (
  exchange: Exchange,
  request: HttpServerRequest
): Effect.Effect<void, Socket.SocketError> =>
  Effect.withFiber((fiber) => {
    const next = RequestBody.pull(exchange, request, RequestBody.bufferLimit(exchange, fiber))
    const loop: Effect.Effect<void, Socket.SocketError> = Effect.matchCauseEffect(next, {
      onSuccess: () => loop,
      onFailure: (cause) =>
        Pull.isDoneCause(cause) ? Effect.void : Effect.fail(openError(Cause.squash(cause)))
    })
    return exchange.bodyEnded || exchange.version === "2" ? Effect.void : loop
  })

/** `Exchange.takeOver` for a connection. */
export const takeOver = (exchange: Http1Exchange, fields: Fields): Takeover | Error => {
  const head = ResponseEncoder.encodeSwitch(exchange, 101, fields)
  return typeof head === "string" ? new Http1Takeover(exchange, fields, head) : head
}

// One for each WebSocket, as long as that lasts.
class Http1Takeover implements Takeover {
  private readonly exchange: Http1Exchange
  private readonly fields: Fields
  private head: string

  constructor(exchange: Http1Exchange, fields: Fields, head: string) {
    this.exchange = exchange
    this.fields = fields
    this.head = head
  }

  get carrier() {
    return this.exchange.connection.transport
  }

  begin(session: Session): TransportError | undefined {
    const { exchange, fields, head } = this
    const { connection } = exchange
    exchange.switched = HttpServerResponse.empty({ status: 101, headers: Headers.fromInput(fields) })
    exchange.status = 101
    connection.advance(ConnectionState.code.Switched)
    connection.answered(exchange)
    const written = this.carrier.writeUnsafe([head])
    this.head = ""
    if (typeof written !== "boolean") {
      exchange.failWrite(written)
      return written
    }
    connection.session = session
    return undefined
  }

  rest(): Uint8Array | undefined {
    return this.exchange.connection.incoming.takeRest()
  }

  abort(): void {
    this.exchange.connection.abort()
  }

  fork(effect: Effect.Effect<void>): void {
    Effect.runForkWith(this.exchange.connection.context)(effect)
  }

  detach(attended: Attended): boolean {
    this.exchange.connection.attended = attended
    return true
  }
}

const makeSocket = (
  exchange: Http1Exchange,
  request: HttpServerRequest,
  headers: Headers.Headers,
  protocol: string | undefined
): Socket.Socket => {
  const { connection } = exchange
  const open = Effect.gen(function* () {
    if (exchange.switched !== undefined || exchange.status !== 0 || exchange.aborted) {
      return yield* openError(new Error("The exchange has ended or has been upgraded before"))
    }
    yield* finishBody(exchange, request)
    const fields = protocol === undefined ? headers : { ...headers, connection: "Upgrade", upgrade: protocol }
    const status = protocol === undefined ? 200 : 101
    const head = ResponseEncoder.encodeSwitch(exchange, status, fields)
    if (typeof head !== "string") return yield* openError(head)
    exchange.switched = HttpServerResponse.empty({ status, headers: fields })
    exchange.status = status
    connection.advance(ConnectionState.code.Switched)
    connection.answered(exchange)
    yield* Effect.mapError(connection.transport.write([head]), openError)
  })
  return ConnectionSocket.make(connection.transport, open, () => connection.incoming.takeRest())
}
