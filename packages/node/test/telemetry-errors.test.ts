/** What the log says of a message that was refused: the line in question, and nothing secret. */
import { assert, describe, it } from "@effect/vitest"
import type { NvoServer } from "@nvo/node"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Observed from "./support/observed.ts"
import { eventually } from "./support/settle.ts"
import * as Wire from "./support/Wire.ts"

const routes = HttpRouter.add("GET", "/", HttpServerResponse.text("Hello"))

const logged = (octets: string, options: NvoServer.Options = {}) =>
  Effect.gen(function* () {
    const seen = yield* Observed.serveRoutes(routes, Observed.recorder(), options)
    const wire = yield* Wire.connect(seen.port)
    wire.sendUnsafe(octets)
    yield* wire.response()
    const line = () => seen.lines.find(({ annotations }) => "nvo.error.reason" in annotations)
    yield* eventually("the line of an error", () => line() !== undefined)
    assert.notInclude(JSON.stringify(seen.lines), "s3cr3t")
    return line()
  })

describe("a refused message in the log", () => {
  it.live("is there with its reason and the line that broke the rule, at Debug", () =>
    Effect.gen(function* () {
      const line = yield* logged("GET /a?token=s3cr3t HTTP/1.7 \r\nHost: a\r\n\r\n")
      assert.strictEqual(line?.level, "Debug")
      assert.strictEqual(line?.annotations["nvo.error.reason"], "UnsupportedVersion")
      assert.strictEqual(line?.annotations["nvo.error.initiator"], "Peer")
      assert.strictEqual(line?.annotations["nvo.error.excerpt"], '"GET /a?<redacted> HTTP/1.7 "')
    })
  )

  it.live("has the name of a field, and not the value of one that may be secret", () =>
    Effect.gen(function* () {
      const line = yield* logged("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic s3cr3t\x01\r\n\r\n")
      assert.strictEqual(line?.annotations["nvo.error.reason"], "InvalidFieldValue")
      assert.strictEqual(line?.annotations["nvo.error.excerpt"], '"Authorization: <redacted>"')
    })
  )

  it.live("is cut at excerptLength, and not there with 0", () =>
    Effect.gen(function* () {
      const octets = `GET /${"a".repeat(100)} HTTP/3\r\n\r\n`
      assert.strictEqual(
        (yield* logged(octets, { excerptLength: 7 }))?.annotations["nvo.error.excerpt"],
        '"GET /aa…"'
      )
      assert.notProperty((yield* logged(octets, { excerptLength: 0 }))?.annotations, "nvo.error.excerpt")
    })
  )
})
