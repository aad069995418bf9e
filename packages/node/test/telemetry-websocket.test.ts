/** What the telemetry of a request says of the WebSocket that it became: how that ended, as long as the request lasts. */
import { assert, describe, it } from "@effect/vitest"
import type { NvoServer } from "@nvo/node"
import { WebSocket } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Observed from "./support/observed.ts"
import { eventually } from "./support/settle.ts"
import * as WsWire from "./support/wsWire.ts"

const echo = Effect.gen(function* () {
  const webSocket = yield* WebSocket.upgrade()
  yield* Effect.ignore(Stream.runForEach(webSocket.messages, webSocket.send))
  return HttpServerResponse.empty()
})

const routes = Layer.merge(
  HttpRouter.add("GET", "/", echo),
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      yield* router.add("GET", "/served", yield* WebSocket.toHttpEffect(({ send }) => Effect.succeed(send)))
    })
  )
)

type Act = (peer: WsWire.WsWire) => Effect.Effect<unknown>

/** The span, the metric and the line of a request whose WebSocket ends so have this `error.type`, or none. */
const tells = (
  type: string | undefined,
  connect: WsWire.Connect,
  path: string,
  act: Act,
  options: NvoServer.Options = {}
) =>
  Effect.gen(function* () {
    const seen = yield* Observed.serveRoutes(routes, Observed.recorder({ traces: true }), {
      accessLogRate: 1,
      lingerTimeout: "50 millis",
      ...options
    })
    const peer = yield* connect(seen.port, { path })
    yield* peer.text("a")
    yield* peer.next
    yield* act(peer)
    const line = () => seen.lines.find(({ annotations }) => "http.response.status_code" in annotations)
    const duration = () => seen.series("http.server.request.duration").filter(({ value }) => value > 0)
    yield* eventually(
      "the request's end",
      () => line() !== undefined && seen.spans[0]?.status._tag === "Ended"
    )
    assert.deepStrictEqual([seen.spans.length, duration().length], [1, 1])
    const types: ReadonlyArray<unknown> = [
      seen.spans[0].attributes.get("error.type"),
      duration()[0].attributes["error.type"],
      line()?.annotations["error.type"]
    ]
    assert.deepStrictEqual(types, [type, type, type])
  })

const hasty = { webSocketPingInterval: "50 millis", webSocketPingTimeout: "50 millis" } as const
const reset: Act = (peer) => peer.wire.reset
const unmasked: Act = (peer) => peer.wire.send("\x81\x00")

for (const [version, connect] of [
  ["HTTP/1.1", WsWire.connect],
  ["HTTP/2", WsWire.connectStream]
] as const) {
  describe(`error.type of a request that became a WebSocket over ${version}`, () => {
    it.live("is the reason where it was lost", () => tells("ConnectionLost", connect, "/", reset))

    it.live("is the reason where a Ping was not answered in time", () =>
      tells("PingTimeout", connect, "/", () => Effect.void, hasty)
    )

    it.live("is the reason where its peer broke the rules", () =>
      tells("UnmaskedFrame", connect, "/", unmasked)
    )

    it.live("is none where it was closed", () => tells(undefined, connect, "/", (peer) => peer.close(1000)))
  })
}

describe("error.type of a request whose WebSocket is served by a function of its messages", () => {
  it.live("is none over HTTP/1.1: the request ended when it was open", () =>
    tells(undefined, WsWire.connect, "/served", reset)
  )

  it.live("is the reason over HTTP/2, where the request lasts as long", () =>
    tells("ConnectionLost", WsWire.connectStream, "/served", reset)
  )
})
