/** `/rooms/ROOM/socket`: a WebSocket that is told what was said in the room, and what is said while it is open. */
import { Topics, WebSocket } from "@nvo/server"
import { Effect, Schema, Semaphore, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { History } from "./History.ts"
import { type Room, RoomPath, Said, Told } from "./Message.ts"

/** Messages that a client is told when it comes. */
const remembered = 50

const limits = {
  /** Octets: a text of 2,000 characters fits in any script. */
  messageBytes: 16 * 1024,
  /** Messages a second, of one client. */
  messageRate: 10,
  // Nobody waits for a client that does not read; it finds what it missed when it comes back.
  slowConsumer: "close"
} as const

const encode = Schema.encodeEffect(Schema.fromJsonString(Told))

// Browsers let the pages of every site open WebSockets to every other. What is no browser sends no Origin.
const isFromElsewhere = ({ headers }: HttpServerRequest.HttpServerRequest) =>
  headers.origin !== undefined && headers.origin.replace(/^https?:\/\//, "") !== headers.host

export const Rooms = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const history = yield* History
    const topics = yield* Topics.Topics
    // One at a time, so that a client that comes is told each message once: as one that was, or as one that is said.
    const turn = yield* Semaphore.make(1)

    const join = (room: Room, webSocket: WebSocket.WebSocket<Said, typeof Told.Type>) =>
      Effect.gen(function* () {
        yield* webSocket.send(yield* history.last(room, remembered))
        yield* topics.subscribe(room, webSocket, limits)
      }).pipe(turn.withPermits(1))

    const say = (room: Room, said: Said) =>
      Effect.gen(function* () {
        const message = yield* history.add(room, said)
        yield* topics.publish(room, yield* Effect.orDie(encode([message])))
      }).pipe(turn.withPermits(1))

    yield* router.add(
      "GET",
      "/rooms/:room/socket",
      Effect.gen(function* () {
        const { room } = yield* HttpRouter.schemaPathParams(RoomPath)
        if (isFromElsewhere(yield* HttpServerRequest.HttpServerRequest)) {
          return HttpServerResponse.empty({ status: 403 })
        }
        const webSocket = yield* WebSocket.upgradeSchema({ incoming: Said, outgoing: Told, ...limits })
        yield* join(room, webSocket)
        yield* Stream.runForEach(webSocket.messages, (said) => say(room, said))
        return HttpServerResponse.empty()
      })
    )
  })
)
