/**
 * From a request to a WebSocket: the handshake, its refusals as errors that answer themselves, and the session.
 */
import { Handshake, type PerMessageDeflate, WebSocketError } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { HttpServerError, RequestParseError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Scope from "effect/Scope"
import type { EngineContext } from "../engineContext.ts"
import type { Exchange } from "../exchange.ts"
import { type Attended, codeOf } from "./attended.ts"
import type { Carrier, Takeover } from "./carrier.ts"
import { type Deflation, type Host, Session } from "./session.ts"
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
    const { fields, status } = this.refused
    return Effect.succeed(HttpServerResponse.empty({ status, headers: fields }))
  }
}

/** The server's side of the handshake. A refusal is reported, and fails with what answers it. */
export const accept = (
  exchange: Exchange,
  request: HttpServerRequest,
  protocols: Handshake.ServerOptions["protocols"],
  settings: Settings
): Effect.Effect<Handshake.Accepted, HttpServerError> =>
  Effect.suspend(() => {
    const { connectionId, engine, head } = exchange
    const options = {
      connectionId,
      protocols,
      deflate: settings.deflate && engine.deflateCodec !== undefined ? bounds(settings) : undefined
    }
    const result =
      "streamId" in head ? Handshake.acceptConnect(head, options) : Handshake.accept(head, options)
    return result._tag === "Accepted"
      ? Effect.succeed(result)
      : Effect.andThen(engine.errors.report(result.error), Effect.fail(new HandshakeRefused(request, result)))
  })

// Without context takeover a socket keeps no window: memory for thousands of them, where compression gains little.
const bounds = (settings: Settings): Partial<PerMessageDeflate.Agreement> =>
  settings.deflateTakeover ? {} : { serverNoContextTakeover: true, clientNoContextTakeover: true }

const deflationOf = Effect.fnUntraced(function* (
  exchange: Exchange,
  accepted: Handshake.Accepted
): Effect.fn.Return<Deflation | undefined> {
  const codec = exchange.engine.deflateCodec
  const agreement = accepted.deflate
  if (codec === undefined || agreement === undefined) return undefined
  const scope = Scope.makeUnsafe()
  const streams = Effect.all({
    inflater: codec.inflater({
      windowBits: agreement.clientMaxWindowBits,
      contextTakeover: !agreement.clientNoContextTakeover
    }),
    deflater: codec.deflater({
      windowBits: agreement.serverMaxWindowBits,
      contextTakeover: !agreement.serverNoContextTakeover
    })
  })
  return { ...(yield* Scope.provide(streams, scope)), agreement, release: Scope.close(scope, Exit.void) }
})

// One for each socket, so it keeps as little as it can.
class ExchangeHost implements Host {
  readonly settings: Settings
  readonly transport: Carrier
  private readonly engine: EngineContext
  // Who has the application: the request, or what serves the WebSocket without it.
  private runner: Pick<Takeover, "abort" | "fork">
  // What telemetry keeps of the request, while that lasts.
  private observation: Exchange["observation"]

  constructor(exchange: Exchange, takeover: Takeover, settings: Settings) {
    this.engine = exchange.engine
    this.observation = exchange.observation
    this.transport = takeover.carrier
    this.runner = takeover
    this.settings = settings
  }

  attend(attended: Attended, goesOn: boolean): void {
    this.runner = attended
    if (goesOn) this.observation = undefined
  }

  get deadlines() {
    return this.engine.deadlines
  }

  report(error: WebSocketError.WebSocketError): Effect.Effect<void> {
    this.observation?.fail(error.reason._tag)
    return this.engine.errors.report(error)
  }

  abort(): void {
    this.runner.abort()
  }

  fork(effect: Effect.Effect<void>): void {
    this.runner.fork(effect)
  }
}

/** The exchange cannot become a WebSocket's: it was answered, taken over, or has ended. */
export class NotUpgradable extends Error {}

/** A session that has begun, and who serves it from then on. */
interface Begun {
  readonly session: Session
  /** Makes `attended` the application; `true` where the WebSocket goes on without its request. */
  readonly attend: (attended: Attended) => boolean
}

/**
 * Sends the switch and begins the session. Closing the Scope closes the WebSocket, with a code by its exit, and waits
 * until the connection or stream has ended.
 */
export const open = (
  exchange: Exchange,
  accepted: Handshake.Accepted,
  settings: Settings
): Effect.Effect<Session, NotUpgradable | WebSocketError.WebSocketError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.map(begin(exchange, accepted, settings), ({ session }) => session),
    (session, exit) => session.dispose(codeOf(exit))
  )

/** As `open`, for who closes the WebSocket otherwise, by `Session.dispose`. */
export const begin = Effect.fnUntraced(function* (
  exchange: Exchange,
  accepted: Handshake.Accepted,
  settings: Settings
): Effect.fn.Return<Begun, NotUpgradable | WebSocketError.WebSocketError> {
  const { engine } = exchange
  if (!exchange.isUnanswered) {
    return yield* Effect.fail(new NotUpgradable("The exchange has ended or has been upgraded before"))
  }
  const takeover = exchange.takeOver(accepted.fields)
  if (takeover instanceof Error) return yield* Effect.fail(new NotUpgradable(takeover.message))
  const { carrier } = takeover
  const deflation = yield* deflationOf(exchange, accepted)
  const host = new ExchangeHost(exchange, takeover, settings)
  const session = new Session(host, deflation)
  const error = takeover.begin(session)
  if (error !== undefined) {
    if (deflation !== undefined) yield* deflation.release
    return yield* Effect.fail(
      WebSocketError.make("ConnectionLost", { connectionId: carrier.id, detail: error.message })
    )
  }
  session.open(takeover.rest())
  if (engine.closing) session.goAway()
  const attend = (attended: Attended): boolean => {
    const goesOn = takeover.detach(attended)
    host.attend(attended, goesOn)
    return goesOn
  }
  return { session, attend }
})
