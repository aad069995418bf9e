/**
 * The transport over a `Poller`: the operating system's sockets without `node:net` between. TCP and unix sockets, on
 * Linux, with a Node that has `node:ffi` (26.10). For TLS there is `NetTransport`.
 *
 * A connection is accepted when somebody asks for it; until then it waits in the operating system's queue.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import * as NvoServer from "@nvo/node/NvoServer"
 * import * as PollTransport from "@nvo/node/PollTransport"
 *
 * // The same as `NvoServer.layerServer({ port: 3000, transport: "poll" })`.
 * export const Server = NvoServer.layerServerWith({ port: 3000 }).pipe(Layer.provide(PollTransport.layer()))
 * ```
 */
import { Transport, TransportError } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { accepting } from "./internal/accepting.ts"
import { Acceptor } from "./internal/poll/acceptor.ts"
import * as Listening from "./internal/poll/listening.ts"
import * as Poller from "./Poller.ts"
import type { PollerError } from "./PollerError.ts"

/** What a PollTransport is made with. */
export interface Options {
  /** Octets that may wait for the operating system before `write` suspends. Default: 65,536. */
  readonly writeHighWaterMark?: number | undefined
}

interface Handler {
  onEvent(event: Poller.PollEvent): void
  onDefect(cause: unknown): void
}

// A bug ends what it shows on, and nothing else.
const handle = (event: Poller.PollEvent): void => {
  const { active, token } = event.registration
  if (!active) return
  try {
    ;(token as Handler).onEvent(event)
  } catch (cause) {
    ;(token as Handler).onDefect(cause)
  }
}

// What the poller tells, for as long as the Scope. The events of a batch are handled in the turn in which they came.
const dispatching = (poller: Poller.Poller["Service"]): Effect.Effect<never, PollerError> =>
  Effect.forever(
    Effect.map(poller.wait, (events) => {
      for (const event of events) handle(event)
    }),
    { disableYield: true }
  )

const listenFailed = (cause: unknown) => TransportError.make({ _tag: "ListenFailed", cause })

const listen = (
  poller: Poller.Poller["Service"],
  options: Options,
  where: Transport.ListenOptions
): Effect.Effect<Transport.Listener, TransportError.TransportError, Scope.Scope> =>
  Effect.gen(function* () {
    const { unsafe } = poller
    const highWaterMark = options.writeHighWaterMark ?? 65_536
    const places = yield* Effect.mapError(Listening.places(where), listenFailed)
    const acceptor = yield* Effect.acquireRelease(
      Effect.try({
        try: () => {
          const socket = Listening.open(unsafe.system, places, where)
          return new Acceptor(socket, unsafe, highWaterMark)
        },
        catch: listenFailed
      }),
      (acceptor) => acceptor.close
    )
    return {
      address: acceptor.address,
      accept: accepting(acceptor.take),
      close: acceptor.close
    }
  })

/** Makes a PollTransport over the `Poller`, whose events it takes for as long as the Scope. */
export const make = (
  options: Options = {}
): Effect.Effect<Transport.Transport["Service"], never, Poller.Poller | Scope.Scope> =>
  Effect.gen(function* () {
    const poller = yield* Poller.Poller
    yield* Effect.forkScoped(
      Effect.tapCause(dispatching(poller), (cause) => Effect.logError("The poller has failed", cause))
    )
    return { listen: (where) => listen(poller, options, where) }
  })

/** Provides a PollTransport as the `Transport`, with a `Poller` of its own. */
export const layer = (options?: Options): Layer.Layer<Transport.Transport, PollerError> =>
  Layer.effect(Transport.Transport)(make(options)).pipe(Layer.provide(Layer.fresh(Poller.layer)))
