/** The request that an app holds: what it is equal to, and what it shows of itself. */
import { assert, describe, it } from "@effect/vitest"
import { Bytes, SimulatedNetwork, SimulatedTime } from "@nvo/testing"
import { Effect, Equal, Hash, Inspectable, Layer, Logger } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Engine from "../src/Engine.ts"
import * as ServerConfig from "../src/ServerConfig.ts"
import { Transport } from "../src/Transport.ts"

/** What a handler says of the requests that come one after the other. */
const told = <A>(
  requests: ReadonlyArray<string>,
  say: (request: HttpServerRequest.HttpServerRequest) => A
): ReadonlyArray<A> =>
  SimulatedTime.run(
    Effect.gen(function* () {
      const all: Array<A> = []
      const listener = yield* (yield* Transport).listen({ port: 80 })
      const server = yield* Engine.make(listener, ServerConfig.defaults)
      yield* server.serve(
        Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
          all.push(say(request))
          return HttpServerResponse.empty()
        })
      )
      const client = yield* (yield* SimulatedNetwork.SimulatedNetwork).connect(listener.address)
      for (const request of requests) {
        yield* client.send(Bytes.fromText(request))
        yield* client.receive
      }
      return all
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.mergeAll(SimulatedNetwork.layer(), Engine.layerServices, Logger.layer([])))
    )
  )

const get = (target: string, host = "a") => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`

describe("a request", () => {
  it("is equal to itself and to no other, however alike", () => {
    const [first, second] = told([get("/"), get("/")], (request) => request)
    assert.isTrue(Equal.equals(first, first))
    assert.isFalse(Equal.equals(first, second))
    assert.strictEqual(Hash.hash(first), Hash.hash(first))
  })

  it("shows its method and its URL, without what a query may hide", () => {
    const secret = "s3cr3t"
    const [shown] = told([get(`/a?Signature=${secret}`)], (request) => ({
      text: String(request),
      json: Inspectable.toJson(request) as { readonly method: string; readonly url: string }
    }))
    assert.match(shown.text, /^ServerRequest\(GET \/a/)
    assert.strictEqual(shown.json.method, "GET")
    assert.match(shown.json.url, /^http:\/\/a\/a/)
    assert.notInclude(JSON.stringify(shown), secret)
  })

  // RFC 9112 §3.2.2: a server takes the absolute form, and routes by what is behind the authority.
  it("in absolute form has the path and the query as its URL, and keeps what was sent", () => {
    assert.deepStrictEqual(
      told([get("http://a/b?c=1"), get("http://a/b"), get("http://a")], (request) => [
        request.url,
        request.originalUrl
      ]),
      [
        ["/b?c=1", "http://a/b?c=1"],
        ["/b", "http://a/b"],
        ["/", "http://a"]
      ]
    )
  })
})
