/** What a WebSocket compresses with: it is there as long as something may have to be sent. */
import { assert, describe, it } from "@effect/vitest"
import { DeflateCodec, FrameEncoder } from "@nvo/protocol"
import { Effect, Layer } from "effect"
import * as WebSocket from "../src/WebSocket.ts"
import { type App, simulate } from "./support/simulated.ts"

const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff)

/** A codec that does not compress, and names each use of a stream that its Scope has taken back. */
const watched = (uses: Array<string>): DeflateCodec.DeflateCodec["Service"] => {
  const stream = (name: string) =>
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => ({ isThere: true })),
        (state) =>
          Effect.sync(() => {
            state.isThere = false
            uses.push(`${name} given back`)
          })
      ),
      (state) => ({
        inflate: (bytes: Uint8Array) => bytes,
        deflate: (bytes: Uint8Array, flush: boolean) => {
          if (!state.isThere) uses.push(`${name} used afterwards`)
          return flush ? Uint8Array.of(...bytes.subarray(0, 1), ...TAIL) : bytes.subarray(0, 1)
        },
        reset: () => {}
      })
    )
  return { inflater: () => stream("inflater"), deflater: () => stream("deflater") }
}

const handshake =
  "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"

const sent = (opcode: "Text" | "Close", payload: string) =>
  FrameEncoder.encodeBytes({ opcode, payload: new TextEncoder().encode(payload) }, 0x12345678)

describe("what a WebSocket compresses with", () => {
  for (const takeover of [false, true]) {
    it(`is given back behind the last part of a large message, ${takeover ? "with" : "without"} context takeover`, () => {
      const uses: Array<string> = []
      // What a message brings about is sent while the application fails.
      const app: App = Effect.flatten(
        WebSocket.toHttpEffect(({ send }) =>
          Effect.succeed(() =>
            Effect.andThen(
              Effect.forkDetach(Effect.ignore(send(new Uint8Array(500_000))), { startImmediately: true }),
              Effect.fail("no")
            )
          )
        )
      )
      const count = simulate(
        app,
        (server) =>
          Effect.gen(function* () {
            const client = yield* server.connect
            yield* client.send(new TextEncoder().encode(handshake))
            yield* Effect.sleep(10)
            yield* client.send(sent("Text", "go"))
            yield* Effect.sleep(10)
            yield* client.send(sent("Close", ""))
            yield* client.end
            yield* Effect.sleep(10)
            return yield* server.connections.count
          }),
        {
          config: { webSocketDeflate: true, webSocketDeflateTakeover: takeover },
          services: Layer.succeed(DeflateCodec.DeflateCodec)(watched(uses))
        }
      )
      assert.strictEqual(count, 0)
      assert.deepStrictEqual(uses.sort(), ["deflater given back", "inflater given back"])
    })
  }
})
