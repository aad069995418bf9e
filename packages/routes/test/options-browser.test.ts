/** What protects and spares browsers: security fields, cross-site requests, entity tags. */
import { assert, describe, expect, it } from "@effect/vitest"
import { CrossSite, EntityTags, SecurityHeaders } from "@nvo/routes"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { serve } from "./support/optionsApp.ts"

const text = HttpServerResponse.text("hello")
const page = HttpServerResponse.text("<html>", { contentType: "text/html; charset=utf-8" })

describe("SecurityHeaders", () => {
  it.live("are on every response, errors included, and leave what is there", () =>
    Effect.gen(function* () {
      const send = yield* serve(
        Layer.mergeAll(
          HttpRouter.add("GET", "/", text),
          HttpRouter.add("GET", "/page", page),
          HttpRouter.add("GET", "/own", HttpServerResponse.setHeader(text, "referrer-policy", "origin")),
          HttpRouter.add("GET", "/broken", Effect.die("broken")),
          SecurityHeaders.layer({ strictTransportSecurity: "max-age=1", frameOptions: false })
        )
      )
      for (const path of ["/", "/broken", "/nowhere"]) {
        const { headers } = yield* send("GET", path)
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff", path)
        assert.strictEqual(
          headers.get("content-security-policy"),
          "default-src 'none'; frame-ancestors 'none'",
          path
        )
        assert.strictEqual(headers.get("strict-transport-security"), "max-age=1", path)
        assert.strictEqual(headers.get("x-frame-options"), null, path)
      }
      assert.strictEqual((yield* send("GET", "/page")).headers.get("content-security-policy"), null)
      assert.strictEqual((yield* send("GET", "/page")).headers.get("referrer-policy"), "no-referrer")
      assert.strictEqual((yield* send("GET", "/own")).headers.get("referrer-policy"), "origin")
    })
  )
})

describe("CrossSite", () => {
  it.live("refuses what changes something and comes from another site", () =>
    Effect.gen(function* () {
      const send = yield* serve(
        Layer.mergeAll(
          HttpRouter.add("*", "/", text),
          CrossSite.layer({ trustedOrigins: ["https://app.example.com"] })
        )
      )
      const cases: ReadonlyArray<readonly [method: string, headers: Record<string, string>, status: number]> =
        [
          ["POST", {}, 200],
          ["POST", { "sec-fetch-site": "same-origin" }, 200],
          ["POST", { "sec-fetch-site": "none" }, 200],
          ["POST", { "sec-fetch-site": "same-site" }, 403],
          ["POST", { "sec-fetch-site": "cross-site" }, 403],
          ["POST", { "sec-fetch-site": "cross-site", origin: "https://app.example.com" }, 200],
          ["POST", { "sec-fetch-site": "same-origin", origin: "https://evil.example" }, 200],
          ["POST", { origin: "https://api.example" }, 200],
          ["POST", { origin: "https://API.example" }, 200],
          ["POST", { origin: "https://evil.example" }, 403],
          ["POST", { origin: "https://api.example.evil.example" }, 403],
          ["POST", { origin: "null" }, 403],
          ["POST", { origin: "https://app.example.com" }, 200],
          ["DELETE", { "sec-fetch-site": "cross-site" }, 403],
          ["GET", { "sec-fetch-site": "cross-site" }, 200],
          ["OPTIONS", { origin: "https://evil.example" }, 200]
        ]
      for (const [method, headers, status] of cases) {
        assert.strictEqual(
          (yield* send(method, "/", headers)).status,
          status,
          `${method} ${JSON.stringify(headers)}`
        )
      }
    })
  )
})

describe("EntityTags", () => {
  const routes = Layer.mergeAll(
    HttpRouter.add("GET", "/json", HttpServerResponse.jsonUnsafe({ a: 1 }, { headers: { vary: "accept" } })),
    HttpRouter.add("GET", "/other", HttpServerResponse.jsonUnsafe({ a: 2 })),
    HttpRouter.add(
      "GET",
      "/problem",
      HttpServerResponse.jsonUnsafe({}, { contentType: "application/problem+json" })
    ),
    HttpRouter.add("GET", "/error", HttpServerResponse.jsonUnsafe({ a: 1 }, { status: 400 })),
    HttpRouter.add("GET", "/own", HttpServerResponse.text("own", { headers: { etag: '"v1"' } })),
    HttpRouter.add("GET", "/text", text),
    HttpRouter.add("POST", "/json", HttpServerResponse.jsonUnsafe({ a: 1 })),
    EntityTags.layer
  )

  it.live("name what GET answers, and spare a client what it has (RFC 9110 §13.1.2)", () =>
    Effect.gen(function* () {
      const send = yield* serve(routes)
      const first = yield* send("GET", "/json")
      const tag = first.headers.get("etag") ?? ""
      expect(tag).toMatch(/^W\/"[0-9a-f]{32}"$/)
      assert.strictEqual((yield* send("GET", "/json")).headers.get("etag"), tag)
      assert.notStrictEqual((yield* send("GET", "/other")).headers.get("etag"), tag)
      assert.strictEqual((yield* send("HEAD", "/json")).headers.get("etag"), tag)
      expect((yield* send("GET", "/problem")).headers.get("etag")).toMatch(/^W\//)

      const again = yield* send("GET", "/json", { "if-none-match": `"x", ${tag}` })
      assert.strictEqual(again.status, 304)
      assert.strictEqual(yield* Effect.promise(() => again.text()), "")
      assert.strictEqual(again.headers.get("etag"), tag)
      assert.strictEqual(again.headers.get("vary"), "accept")
      assert.strictEqual(again.headers.get("content-type"), null)
      assert.strictEqual(again.headers.get("content-length"), null)
      assert.strictEqual((yield* send("GET", "/json", { "if-none-match": "*" })).status, 304)
      assert.strictEqual((yield* send("GET", "/json", { "if-none-match": tag.slice(2) })).status, 304)
      assert.strictEqual((yield* send("GET", "/json", { "if-none-match": '"x"' })).status, 200)
      assert.strictEqual((yield* send("GET", "/own", { "if-none-match": 'W/"v1"' })).status, 304)
    })
  )

  it.live("leave alone what is not 200, not JSON or not asked for with GET", () =>
    Effect.gen(function* () {
      const send = yield* serve(routes)
      for (const [method, path] of [
        ["GET", "/error"],
        ["GET", "/text"],
        ["POST", "/json"]
      ]) {
        const response = yield* send(method, path, { "if-none-match": "*" })
        assert.strictEqual(response.headers.get("etag"), null, path)
        assert.notStrictEqual(response.status, 304, path)
      }
    })
  )
})
