/** What a server has answered reaches a peer that takes it, however the connection ends meanwhile. */

import { assert, describe, it } from "@effect/vitest"
import { Bytes, FaultPlan, SimulatedNetwork, SimulatedTime } from "@nvo/testing"
import { Effect, Layer, Logger, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import * as Engine from "../src/Engine.ts"
import * as ServerConfig from "../src/ServerConfig.ts"
import { Transport } from "../src/Transport.ts"

type Client = Effect.Success<ReturnType<SimulatedNetwork.SimulatedNetwork["Service"]["connect"]>>

interface Case {
  readonly config?: Parameters<typeof ServerConfig.make>[0]
  readonly plan: FaultPlan.FaultPlan
  readonly response: HttpServerResponse.HttpServerResponse
  readonly client: (client: Client) => Effect.Effect<string, unknown>
}

const run = ({ client, config, plan, response }: Case) =>
  SimulatedTime.run(
    Effect.gen(function* () {
      const listener = yield* (yield* Transport).listen({ port: 80 })
      const server = yield* Engine.make(listener, ServerConfig.make(config ?? {}))
      yield* server.serve(Effect.succeed(response))
      return yield* client(yield* (yield* SimulatedNetwork.SimulatedNetwork).connect(listener.address))
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.mergeAll(SimulatedNetwork.layer({ plan }), Engine.layerServices, Logger.layer([])))
    )
  )

/** Everything that comes, with the way in which the server leaves at the end. `gap` is in milliseconds. */
const readAll = Effect.fnUntraced(function* (client: Client, gap: number) {
  let text = ""
  while (true) {
    if (gap > 0) yield* Effect.sleep(gap)
    const next = yield* client.receive
    if (typeof next === "string") return `${text} ${next}`
    text += Bytes.toText(next)
  }
})

const BODY = "x".repeat(40_000)
const behind = (text: string) => text.slice(text.indexOf("\r\n\r\n") + 4)

describe("a response that is written and waits for a slow peer", () => {
  // 1,000 octets a second, four times what `writeRate` asks for: 40 s for the whole.
  const plan = FaultPlan.make({ toClient: { segment: [500, 500], buffer: 500 } })
  const response = HttpServerResponse.text(BODY)
  const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

  it("arrives whole when the connection has been idle for too long", () => {
    const text = run({
      config: { idleTimeout: "5 seconds" },
      plan,
      response,
      client: (client) =>
        Effect.andThen(client.send(Bytes.fromText(get)), Effect.map(readAll(client, 500), behind))
    })
    assert.strictEqual(text, `${BODY} Ended`)
  })

  it("is reset when the peer takes less than the slowest rate", () => {
    const text = run({
      config: { idleTimeout: "5 seconds", writeTimeout: "5 seconds", writeRate: 2_000 },
      plan,
      response,
      client: (client) =>
        Effect.andThen(client.send(Bytes.fromText(get)), Effect.map(readAll(client, 500), behind))
    })
    assert.match(text, /^x+ Lost$/)
    assert.isBelow(text.length, BODY.length)
  })

  it("arrives whole when the peer has ended its side", () => {
    const text = run({
      plan,
      response,
      client: (client) =>
        Effect.gen(function* () {
          yield* client.send(Bytes.fromText(get))
          const first = yield* client.receive
          yield* client.end
          return behind(
            `${typeof first === "string" ? first : Bytes.toText(first)}${yield* readAll(client, 500)}`
          )
        })
    })
    assert.strictEqual(text, `${BODY} Ended`)
  })
})

describe("a response that ends with its connection", () => {
  // A request that nobody reads brings a reset upon the peer, which takes away what the peer has not read yet.
  it("arrives whole although another request comes behind its own when it is written", () => {
    const get = Bytes.fromText("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    const text = run({
      plan: FaultPlan.make({ toServer: { latency: [10, 10] } }),
      response: HttpServerResponse.stream(Stream.make(Bytes.fromText("first "), Bytes.fromText("last"))),
      client: (client) =>
        Effect.gen(function* () {
          yield* client.send(get)
          yield* Effect.sleep(5)
          yield* client.send(get)
          return behind(yield* readAll(client, 20))
        })
    })
    assert.strictEqual(text, "first last Ended")
  })
})
