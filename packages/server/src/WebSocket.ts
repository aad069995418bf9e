/**
 * WebSockets as this server knows them: with subprotocols, limits of their own, typed messages, a policy for peers
 * that do not read, and how they ended as a typed error with the connection's id.
 *
 * `HttpServerRequest.upgrade` gives the same as Effect's `Socket`, for apps that know nothing of nvo.
 */
import { CloseCode, type ConnectionId, WebSocketError } from "@nvo/protocol"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { HttpServerError, InternalError, RequestParseError } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Pull from "effect/Pull"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ApplicationError from "./ApplicationError.ts"
import type { Exchange } from "./internal/exchange.ts"
import { isClose } from "./internal/failures.ts"
import { ServerRequest } from "./internal/serverRequest.ts"
import { finishBody } from "./internal/upgrade.ts"
import * as Attended from "./internal/webSocket/attended.ts"
import * as Open from "./internal/webSocket/open.ts"
import type { Batch, Data, Session } from "./internal/webSocket/session.ts"
import * as Sessions from "./internal/webSocket/sessions.ts"
import * as Settings from "./internal/webSocket/settings.ts"

export type { Data } from "./internal/webSocket/session.ts"

/**
 * What happens to a message for a peer that does not read, when `writeHighWaterMark` octets wait for it: `wait` until
 * there is room, `drop` the message, or `close` with 1008.
 */
export type SlowConsumer = "wait" | "drop" | "close"

/** What one WebSocket is made with. Limits that are not given are those of `ServerConfig`. */
export interface Options extends Settings.Overrides {
  /** The subprotocols that the application speaks, the best one first. Default: none. */
  readonly protocols?: ReadonlyArray<string> | undefined
  /** Default: `wait`. */
  readonly slowConsumer?: SlowConsumer | undefined
}

/** What is said to the peer of a WebSocket. */
export interface Sender<Out = Data> {
  readonly connectionId: ConnectionId.ConnectionId
  /** The subprotocol in use, if any. */
  readonly protocol: string | undefined
  /** Sends a message. `false` if it was dropped. Fails once the WebSocket is closing. */
  readonly send: (message: Out) => Effect.Effect<boolean, WebSocketError.WebSocketError>
  /**
   * Sends a Close frame, with 1000 and no reason by default, and waits until the connection has ended: until the peer
   * answers, or `webSocketCloseTimeout` has passed. Fails with a code or a reason that may not be sent.
   */
  readonly close: (code?: number, reason?: string) => Effect.Effect<void, WebSocketError.WebSocketError>
}

/** One WebSocket, open until its Scope closes. */
export interface WebSocket<In = Data, Out = Data> extends Sender<Out> {
  /**
   * The peer's messages. Ends when the peer closes with 1000, 1001 or without a code, and fails with how the
   * WebSocket ended otherwise. One reader at a time.
   */
  readonly messages: Stream.Stream<In, WebSocketError.WebSocketError>
}

const refused = (request: HttpServerRequest, description: string): HttpServerError =>
  new HttpServerError({ reason: new RequestParseError({ request, description }) })

const notUpgraded = (request: HttpServerRequest, cause: unknown): HttpServerError =>
  new HttpServerError({ reason: new InternalError({ request, cause, description: "The upgrade failed" }) })

const handshake = Effect.fnUntraced(function* (options: Options) {
  const request = yield* HttpServerRequest
  if (!(request instanceof ServerRequest)) {
    return yield* Effect.fail(refused(request, "The request was not made by this server"))
  }
  const { exchange } = request
  const settings = Settings.make(exchange.engine.config, options)
  const accepted = yield* Open.accept(exchange, request, options.protocols, settings)
  yield* Effect.mapError(finishBody(exchange, request), (cause) => notUpgraded(request, cause))
  return { accepted, exchange, request, settings }
})

const openSession = Effect.fnUntraced(function* (options: Options) {
  const { accepted, exchange, request, settings } = yield* handshake(options)
  const session = yield* Effect.mapError(Open.open(exchange, accepted, settings), (cause) =>
    notUpgraded(request, cause)
  )
  return { session, protocol: accepted.protocol }
})

// A peer that leaves properly ends the stream.
const isOrderly = ({ reason }: WebSocketError.WebSocketError): boolean =>
  reason._tag === "PeerClosed" &&
  (reason.code === 1000 || reason.code === 1001 || reason.code === CloseCode.NO_STATUS)

const pullOf = (session: Session): Pull.Pull<Batch, WebSocketError.WebSocketError> =>
  session.pull(
    (error): Pull.Pull<never, WebSocketError.WebSocketError> =>
      isOrderly(error) ? Cause.done() : Effect.fail(error)
  )

const sent = Effect.succeed(true)
const dropped = Effect.succeed(false)

const sendBy = (
  session: Session,
  policy: SlowConsumer,
  data: Data
): Effect.Effect<boolean, WebSocketError.WebSocketError> =>
  Effect.suspend(() => {
    if (policy !== "wait" && session.isCongested) {
      if (policy === "close") session.tooSlow()
      else return dropped
    }
    const result = session.sendUnsafe(data)
    if (result === true || (result === false && policy !== "wait")) return sent
    return Effect.as(session.settle(result), true)
  })

const closeBy = (
  session: Session,
  code = 1000,
  reason?: string
): Effect.Effect<void, WebSocketError.WebSocketError> =>
  Effect.suspend(() =>
    session.beginClose(code, reason)
      ? session.awaitOver
      : Effect.fail(
          WebSocketError.make("InvalidCloseArguments", {
            connectionId: session.connectionId,
            detail: String(code)
          })
        )
  )

// There may be thousands at rest: what they do is made when it is asked for.
class SessionSender extends Sessions.Holder implements Sender {
  readonly protocol: string | undefined
  private readonly policy: SlowConsumer

  constructor(session: Session, protocol: string | undefined, options: Options) {
    super(session)
    this.protocol = protocol
    this.policy = options.slowConsumer ?? "wait"
  }

  get connectionId(): ConnectionId.ConnectionId {
    return this.session.connectionId
  }

  get send(): Sender["send"] {
    const { policy, session } = this
    return (message) => sendBy(session, policy, message)
  }

  get close(): Sender["close"] {
    const { session } = this
    return (code, reason) => closeBy(session, code, reason)
  }
}

const make = <In, Out>(
  session: Session,
  protocol: string | undefined,
  options: Options,
  messages: WebSocket<In, Out>["messages"],
  encode: (message: Out) => Effect.Effect<Data>
): WebSocket<In, Out> => {
  const policy = options.slowConsumer ?? "wait"
  return Object.assign(new Sessions.Holder(session), {
    connectionId: session.connectionId,
    protocol,
    messages,
    send: (message: Out) => Effect.flatMap(encode(message), (data) => sendBy(session, policy, data)),
    close: (code?: number, reason?: string) => closeBy(session, code, reason)
  })
}

/**
 * Completes the handshake of the current request. A refusal answers itself, with the status of its reason.
 *
 * @example
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 * import * as WebSocket from "@nvo/server/WebSocket"
 *
 * export const Echo = HttpRouter.add(
 *   "GET",
 *   "/echo",
 *   Effect.gen(function* () {
 *     const webSocket = yield* WebSocket.upgrade({ protocols: ["echo.v1"], messageRate: 100 })
 *     yield* Stream.runForEach(webSocket.messages, webSocket.send)
 *     return HttpServerResponse.empty()
 *   })
 * )
 * ```
 */
export const upgrade = (
  options: Options = {}
): Effect.Effect<WebSocket, HttpServerError, HttpServerRequest | Scope.Scope> =>
  Effect.map(openSession(options), ({ protocol, session }) =>
    make(session, protocol, options, Stream.fromPull(Effect.succeed(pullOf(session))), Effect.succeed<Data>)
  )

/** What is said, as schemas of JSON texts. */
export interface Messages<In, Out> {
  /** What the peer sends. Anything else is closed with 1007. */
  readonly incoming: Schema.Codec<In, unknown>
  /** What is sent to it. */
  readonly outgoing: Schema.Codec<Out, unknown>
}

/**
 * Like `upgrade`, with messages that are JSON texts of schemas.
 *
 * @example
 * ```ts
 * import { Effect, Schema, Stream } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 * import * as WebSocket from "@nvo/server/WebSocket"
 *
 * const Add = Schema.Struct({ a: Schema.Finite, b: Schema.Finite })
 *
 * export const Sums = HttpRouter.add(
 *   "GET",
 *   "/sums",
 *   Effect.gen(function* () {
 *     const webSocket = yield* WebSocket.upgradeSchema({ incoming: Add, outgoing: Schema.Finite })
 *     yield* Stream.runForEach(webSocket.messages, ({ a, b }) => webSocket.send(a + b))
 *     return HttpServerResponse.empty()
 *   })
 * )
 * ```
 */
export const upgradeSchema = <In, Out>(
  options: Options & Messages<In, Out>
): Effect.Effect<WebSocket<In, Out>, HttpServerError, HttpServerRequest | Scope.Scope> => {
  const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(options.incoming))
  const encode = Schema.encodeEffect(Schema.fromJsonString(options.outgoing))
  return Effect.map(openSession(options), ({ protocol, session }) => {
    const messages = Stream.mapEffect(Stream.fromPull(Effect.succeed(pullOf(session))), (data) =>
      Effect.mapError(decode(data), () => {
        const detail = typeof data === "string" ? "" : "a binary message"
        const error = WebSocketError.make("InvalidMessage", { connectionId: session.connectionId, detail })
        session.fail(error)
        return error
      })
    )
    // What the application gives has the type of the schema: if it cannot be encoded, that is a bug of its own.
    return make(session, protocol, options, messages, (message: Out) => Effect.orDie(encode(message)))
  })
}

/** What a WebSocket is served by: `open` gives what is done with each message. */
type Opening<E, R, E2, R2> = (
  webSocket: Sender
) => Effect.Effect<(message: Data) => Effect.Effect<unknown, E2, R2>, E, R>

/**
 * Makes the handler of a route whose WebSockets are served by a function of their messages. For many thousands of
 * WebSockets, most of which are silent: over HTTP/1.1 they keep no fiber of the application and nothing of the request.
 *
 * `open` runs once the handshake is complete. Its Scope lasts as long as the WebSocket; it knows the request, and the
 * messages after it do not. Messages are handled one after the other, each in a fiber that a lost connection interrupts.
 * A message whose handling fails closes with 1011, and so does an `open` that does. The services are those of where the handler is made.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { HttpRouter } from "effect/http"
 * import * as WebSocket from "@nvo/server/WebSocket"
 *
 * export const Echo = HttpRouter.use(
 *   Effect.fnUntraced(function* (router) {
 *     const echo = yield* WebSocket.toHttpEffect(({ send }) => Effect.succeed(send))
 *     yield* router.add("GET", "/echo", echo)
 *   })
 * )
 * ```
 */
export const toHttpEffect = <E, R, E2, R2>(
  open: Opening<E, R, E2, R2>,
  options: Options = {}
): Effect.Effect<
  Effect.Effect<HttpServerResponse.HttpServerResponse, HttpServerError, HttpServerRequest>,
  never,
  Exclude<R, HttpServerRequest | Scope.Scope> | R2
> =>
  Effect.map(Effect.context<Exclude<R, HttpServerRequest | Scope.Scope> | R2>(), (services) =>
    serveBy(open as Opening<E, never, E2, never>, options, services as Context.Context<never>)
  )

const serveBy = <E, E2>(
  open: Opening<E, never, E2, never>,
  options: Options,
  services: Context.Context<never>
): Effect.Effect<HttpServerResponse.HttpServerResponse, HttpServerError, HttpServerRequest> =>
  Effect.uninterruptible(
    Effect.gen(function* () {
      const { accepted, exchange, request, settings } = yield* Effect.interruptible(handshake(options))
      const { attend, session } = yield* Effect.mapError(Open.begin(exchange, accepted, settings), (cause) =>
        notUpgraded(request, cause)
      )
      const scope = Scope.makeUnsafe()
      const report = reporter(exchange)
      const sender = new SessionSender(session, accepted.protocol, options)
      const onMessage = yield* Effect.exit(
        Effect.interruptible(
          Effect.updateContext(open(sender), (own: Context.Context<never>) =>
            Context.mergeAll(
              own,
              services,
              Context.make(HttpServerRequest, request),
              Context.make(Scope.Scope, scope)
            )
          )
        )
      )
      if (Exit.isFailure(onMessage)) {
        yield* report(onMessage.cause)
        yield* Scope.close(scope, onMessage)
        yield* session.dispose(Attended.codeOf(onMessage))
        return done
      }
      const attended = new Attended.Attended(session, services, scope, onMessage.value, report)
      const goesOn = attend(attended)
      attended.come()
      if (!goesOn) yield* attended.over
      return done
    })
  )

const done = HttpServerResponse.empty()

// Tells of an application that failed. Names the request, and keeps nothing of it.
const reporter = ({ connectionId, engine, requestIndex }: Exchange) => {
  const { errors } = engine
  return (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
    isClose(cause)
      ? Effect.void
      : errors.report(
          ApplicationError.make({
            connectionId,
            requestIndex,
            phase: "Upgraded",
            reason: { _tag: "HandlerFailed", cause }
          })
        )
}
