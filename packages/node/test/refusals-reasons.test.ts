/**
 * Every reason for which a peer is refused, over a real socket: the answer, the typed error with its connection,
 * the end of the connection, and that the server goes on.
 */
import { assert, describe, it } from "@effect/vitest"
import { Http1Error } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ReadResponse from "./support/ReadResponse.ts"
import * as Refusals from "./support/rawRefusals.ts"
import { connectionOf, nextError } from "./support/rawServer.ts"
import { serve } from "./support/serve.ts"
import * as Wire from "./support/Wire.ts"

const app = Effect.gen(function* () {
  const request = yield* HttpServerRequest
  return HttpServerResponse.text(`read ${yield* request.text}`)
})

const refused = (case_: Refusals.Refused) =>
  Effect.gen(function* () {
    const server = yield* serve(app)
    const wire = yield* Wire.connect(server.port)
    const id = yield* connectionOf(server, wire)
    wire.sendUnsafe(case_.octets)
    if (case_.ends) yield* wire.finish

    if (case_.status === 0) {
      assert.isTrue(yield* wire.end)
      assert.strictEqual(wire.rest, "")
    } else {
      const response = yield* wire.response()
      const { fields } = response
      assert.strictEqual(response.status, case_.status)
      assert.deepStrictEqual(response.interim, [])
      assert.strictEqual(ReadResponse.value(fields, "connection"), "close")
      assert.strictEqual(ReadResponse.value(fields, "content-type"), "application/problem+json")
      assert.match(ReadResponse.value(fields, "date") ?? "", / GMT$/)
      assert.isTrue(response.complete)
      const problem = JSON.parse(response.body.toString())
      assert.deepStrictEqual(Object.keys(problem), ["type", "title", "status", "detail", "reason"])
      assert.deepStrictEqual(
        [problem.type, problem.title, problem.status, problem.reason],
        ["about:blank", response.reason, case_.status, case_.reason]
      )
      assert.include(problem.detail, Http1Error.reasons[case_.reason].text)
      assert.isTrue(yield* wire.end, "ended, not reset")
      assert.strictEqual(wire.rest, "")
    }
    yield* wire.finish

    const error = yield* nextError(server)
    assert.instanceOf(error, Http1Error.Http1Error)
    assert.strictEqual(error.reason._tag, case_.reason)
    assert.strictEqual(error.connectionId, id)
    assert.strictEqual(error.initiator, "Peer")
    assert.strictEqual((error as Http1Error.Http1Error).requestIndex, 1)
    assert.strictEqual(error.status, case_.status)

    const after = yield* Wire.exchange(server.port, Wire.request("POST", "/", {}, "on"))
    assert.deepStrictEqual([after.status, after.body.toString()], [200, "read on"])
    assert.strictEqual(server.errors.length, 1, "one error, reported once")
  })

describe("RFC 9112 refusals over a socket", () => {
  it("have a test for every reason of the peer's", () => {
    const reasons = Object.entries(Http1Error.reasons)
      .filter(([, { initiator }]) => initiator === "Peer")
      .map(([tag]) => tag)
    const tested = [...Refusals.inHead, ...Refusals.inBody].map(({ reason }) => reason)
    assert.deepStrictEqual([...tested].sort(), [...reasons].sort())
  })

  for (const case_ of [...Refusals.inHead, ...Refusals.inBody, ...Refusals.further]) {
    it.live(`${case_.section}: ${case_.breaks} is ${case_.reason}, ${case_.status || "no answer"}`, () =>
      refused(case_)
    )
  }
})
