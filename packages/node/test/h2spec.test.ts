/** What h2spec asks of a server of HTTP/2, over a socket, without TLS and with it. */
import { assert, describe, it } from "@effect/vitest"
import { ServerConnection } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import { cases, type H2specCase } from "./support/h2specCases.ts"
import { Http2Wire, open } from "./support/http2Wire.ts"
import * as Certificate from "./support/peersCertificate.ts"
import { type App, serve } from "./support/serve.ts"
import * as Wire from "./support/Wire.ts"

const app: App = Effect.flatMap(HttpServerRequest, (request) =>
  Effect.as(request.text, HttpServerResponse.text("Hello, World!"))
)

interface Way {
  readonly name: string
  readonly options: Parameters<typeof serve>[1]
  readonly connect: (port: number) => Effect.Effect<Http2Wire, Error, Scope.Scope>
}

const ways: ReadonlyArray<Way> = [
  { name: "h2c", options: {}, connect: open },
  {
    name: "h2 with TLS",
    options: { tls: Certificate },
    connect: (port) =>
      Effect.map(
        Wire.connectTls({
          port,
          host: "127.0.0.1",
          ca: Certificate.cert,
          servername: "localhost",
          ALPNProtocols: ["h2"]
        }),
        ({ socket }) => new Http2Wire(socket)
      )
  }
]

const greet = (wire: Http2Wire): Http2Wire => {
  wire.write(Buffer.from(ServerConnection.PREFACE, "latin1"))
  wire.send({ _tag: "Settings", ack: false, entries: [] }, { _tag: "Settings", ack: true, entries: [] })
  return wire
}

const run = (wire: Http2Wire, { due, steps }: H2specCase) =>
  Effect.gen(function* () {
    for (const step of steps(wire)) {
      if (step instanceof RegExp) yield* wire.sees(step)
      else if (step instanceof Uint8Array) wire.write(step)
      else wire.send(step)
    }
    if ("connection" in due) {
      yield* wire.sees(new RegExp(`^GOAWAY \\d+ ${due.connection}$`))
      return yield* wire.ends
    }
    const line = "line" in due ? due.line : `RST_STREAM ${due.id ?? 1} ${due.stream}`
    yield* wire.sees(line)
    if (line.startsWith("GOAWAY")) return yield* wire.ends
    // The connection goes on.
    wire.send({ _tag: "Ping", ack: false, data: Buffer.from("afterall") })
    yield* wire.sees(`PING ack ${Buffer.from("afterall").toString("hex")}`)
    // A stream that ends with an error has no answer, and no other line is an error.
    const errors = wire.lines.filter((other) => /^(?:RST_STREAM|GOAWAY)/.test(other))
    assert.deepStrictEqual(errors, line.startsWith("RST_STREAM") ? [line] : [])
  })

describe("the cases of h2spec", () => {
  it("are all there", () => {
    const counts = new Map<string, number>()
    for (const { id } of cases) {
      const [suite] = id.split("/")
      counts.set(suite, (counts.get(suite) ?? 0) + 1)
    }
    assert.deepStrictEqual(Object.fromEntries(counts), { generic: 44, hpack: 8, http2: 94 })
    assert.strictEqual(new Set(cases.map(({ id }) => id)).size, cases.length)
  })

  for (const way of ways) {
    describe(`over ${way.name}`, () => {
      for (const one of cases) {
        const { due, id, what } = one
        const text =
          "line" in due
            ? `is taken: ${due.line}`
            : "connection" in due
              ? `is a connection error ${due.connection}`
              : `is a stream error ${due.stream}`
        it.live(`${id} ${what} ${text}`, () =>
          Effect.gen(function* () {
            const { port } = yield* serve(app, way.options)
            yield* run(greet(yield* way.connect(port)), one)
          })
        )
      }

      it.live("http2/3.5/2 a preface that is none ends the connection", () =>
        Effect.gen(function* () {
          const { port } = yield* serve(app, way.options)
          const wire = yield* way.connect(port)
          wire.write(Buffer.from("INVALID CONNECTION PREFACE\r\n\r\n"))
          // Without TLS it is a request of HTTP/1.1 that is none, either.
          if (way.options?.tls !== undefined) yield* wire.sees("GOAWAY 0 PROTOCOL_ERROR")
          yield* wire.ends
        })
      )
    })
  }
})
