/**
 * From a request to a WebSocket: the handshake, its refusals as errors that answer themselves, and the session.
 */
import { Handshake, type PerMessageDeflate, ResponseEncoder, WebSocketError } from "@nvo/protocol"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { HttpServerError, RequestParseError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import * as ConnectionState from "../../ConnectionState.ts"
import type { Http1Exchange } from "../http1Exchange.ts"
import { type Deflation, Session } from "./session.ts"
import type { Settings } from "./settings.ts"

/** A handshake that was refused, as apps see it: it answers with its own status and fields. */
export class HandshakeRefused extends HttpServerError {
  readonly refused: Handshake.Refused

  constructor(request: HttpServerRequest, refused: Handshake.Refused) {
    super({
      reason: new RequestParseError({ request, cause: refused.error, description: refused.error.message })
    })
    this.refused = refused
  }

  override [HttpServerRespondable.symbol]() {
    const { error, fields } = this.refused
    return Effect.succeed(HttpServerResponse.empty({ status: error.status, headers: fields }))
  }
}

/** The server's side of the handshake. A refusal is reported, and fails with what answers it. */
export const accept = (
  exchange: Http1Exchange,
  request: HttpServerRequest,
  protocols: Handshake.ServerOptions["protocols"],
  settings: Settings
): Effect.Effect<Handshake.Accepted, HttpServerError> =>
  Effect.suspend(() => {
    const { connection, head } = exchange
    const { engine } = connection
    const result = Handshake.accept(head, {
      connectionId: connection.id,
      protocols,
      deflate: settings.deflate && engine.deflateCodec !== undefined ? bounds(settings) : undefined
    })
    return result._tag === "Accepted"
      ? Effect.succeed(result)
      : Effect.andThen(connection.report(result.error), Effect.fail(new HandshakeRefused(request, result)))
  })

// Without context takeover a socket keeps no window: memory for thousands of them, where compression gains little.
const bounds = (settings: Settings): Partial<PerMessageDeflate.Agreement> =>
  settings.deflateTakeover ? {} : { serverNoContextTakeover: true, clientNoContextTakeover: true }

const deflationOf = (
  exchange: Http1Exchange,
  accepted: Handshake.Accepted
): Effect.Effect<Deflation | undefined, never, Scope.Scope> => {
  const codec = exchange.connection.engine.deflateCodec
  const agreement = accepted.deflate
  return codec === undefined || agreement === undefined
    ? Effect.succeed(undefined)
    : Effect.all({
        agreement: Effect.succeed(agreement),
        inflater: codec.inflater({
          windowBits: agreement.clientMaxWindowBits,
          contextTakeover: !agreement.clientNoContextTakeover
        }),
        deflater: codec.deflater({
          windowBits: agreement.serverMaxWindowBits,
          contextTakeover: !agreement.serverNoContextTakeover
        })
      })
}

/** The close code that says how an application ended: well, told to stop, or not well. */
const codeOf = (exit: Exit.Exit<unknown, unknown>): number =>
  Exit.isSuccess(exit) ? 1000 : Cause.hasInterruptsOnly(exit.cause) ? 1001 : 1011

/** The connection cannot be taken over: its exchange was answered, taken over, or ended. */
export class NotUpgradable extends Error {}

/**
 * Sends the switch and begins the session. Closing the Scope closes the WebSocket, with a code by its exit, and waits
 * until the connection has ended.
 */
export const open = Effect.fnUntraced(function* (
  exchange: Http1Exchange,
  accepted: Handshake.Accepted,
  settings: Settings
): Effect.fn.Return<Session, NotUpgradable | WebSocketError.WebSocketError, Scope.Scope> {
  const { connection } = exchange
  const { engine } = connection
  if (!exchange.isUnanswered) {
    return yield* Effect.fail(new NotUpgradable("The exchange has ended or has been upgraded before"))
  }
  const head = ResponseEncoder.encodeSwitch(exchange, 101, accepted.fields)
  if (typeof head !== "string") return yield* Effect.fail(new NotUpgradable(head.message))
  const deflation = yield* deflationOf(exchange, accepted)
  return yield* Effect.acquireRelease(
    Effect.suspend(() => {
      exchange.switched = HttpServerResponse.empty({ status: 101, headers: accepted.fields })
      exchange.status = 101
      connection.advance(ConnectionState.code.Switched)
      connection.answered(exchange)
      const session = new Session(
        {
          transport: connection.transport,
          deadlines: engine.deadlines,
          settings,
          report: (error) => connection.report(error),
          abort: () => connection.abort(),
          fork: (effect) => void Effect.runForkWith(connection.context)(effect)
        },
        deflation
      )
      const written = connection.transport.writeUnsafe([head])
      if (typeof written !== "boolean") {
        return Effect.fail(
          WebSocketError.make("ConnectionLost", { connectionId: connection.id, detail: written.message })
        )
      }
      connection.session = session
      session.open(connection.incoming.takeRest())
      if (engine.closing) session.goAway()
      return Effect.succeed(session)
    }),
    (session, exit) => session.dispose(codeOf(exit))
  )
})
