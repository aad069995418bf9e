/** A response whose body ends with the connection (RFC 9112 §6.3, the last rule) and that breaks off. */

import { assert, describe, it } from "@effect/vitest"
import { Bytes, SimulatedNetwork, SimulatedTime } from "@nvo/testing"
import { Effect, Layer, Logger, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import * as Engine from "../src/Engine.ts"
import * as ServerConfig from "../src/ServerConfig.ts"
import { Transport } from "../src/Transport.ts"

const endless = HttpServerResponse.stream(Stream.concat(Stream.make(Bytes.fromText("part")), Stream.never))

// What a client gets that asks by HTTP/1.0 and ends its side while the response comes.
const departure = Effect.gen(function* () {
  const listener = yield* (yield* Transport).listen({ port: 80 })
  const server = yield* Engine.make(listener, ServerConfig.defaults)
  yield* server.serve(Effect.succeed(endless))
  const client = yield* (yield* SimulatedNetwork.SimulatedNetwork).connect(listener.address)
  yield* client.send(Bytes.fromText("GET / HTTP/1.0\r\n\r\n"))
  let text = ""
  while (!text.endsWith("part")) text += Bytes.toText((yield* client.receive) as Uint8Array)
  yield* client.end
  return yield* client.receive
}).pipe(
  Effect.scoped,
  Effect.provide(Layer.mergeAll(SimulatedNetwork.layer(), Engine.layerServices, Logger.layer([])))
)

describe("a response that ends with its connection", () => {
  // RFC 9112 §8: it would look complete.
  it("is reset when it is cut off because the peer has ended its side", () => {
    assert.strictEqual(SimulatedTime.run(departure), "Lost")
  })
})
