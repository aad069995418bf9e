/** One app on two servers, and the conversation that is held with both. */

import * as Http from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { NvoServer } from "@nvo/node"
import { Context, Effect, Layer, Logger } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { LIMIT, readers } from "./differentialRequests.ts"
import { responses } from "./differentialResponses.ts"
import type * as ReadResponse from "./ReadResponse.ts"
import { type App, portOf } from "./serve.ts"
import { withTransport } from "./transport.ts"
import * as Wire from "./Wire.ts"

const pick = (apps: Readonly<Record<string, App>>) =>
  Effect.flatMap(
    HttpRouter.params,
    ({ name }) => apps[name ?? ""] ?? Effect.succeed(HttpServerResponse.empty({ status: 404 }))
  )

const Routes = Layer.mergeAll(
  HttpRouter.add("*", "/response/:name", pick(responses)),
  HttpRouter.add("*", "/request/:name", pick(readers)),
  HttpRouter.add("GET", "/get-only", HttpServerResponse.text("got"))
) as Layer.Layer<never, never, HttpRouter.HttpRouter>

const Main = HttpRouter.serve(Routes, { disableListenLog: true, disableLogger: true }).pipe(
  Layer.provideMerge(Logger.layer([]))
)

export interface Ports {
  readonly nvo: number
  readonly peer: number
}

const portWith = <E>(server: Layer.Layer<HttpServer.HttpServer | NvoServer.PlatformServices, E>) =>
  Effect.map(Layer.build(Layer.fresh(Layer.provideMerge(Main, server))), (context) =>
    portOf(Context.get(context, HttpServer.HttpServer).address)
  )

/** Serves the app on both servers until the Scope closes. */
export const servers = Effect.all({
  nvo: portWith(NvoServer.layer(withTransport({ port: 0, host: "127.0.0.1" }))),
  peer: portWith(NodeHttpServer.layer(() => Http.createServer(), { port: 0, host: "127.0.0.1" }))
})

/** One request: its octets, and what must be known to judge the answer. */
export interface Request {
  /** `METHOD /path`, and behind it what is special about the body: `large`, `over-limit`, `expects`. */
  readonly name: string
  readonly method: string
  readonly bodyLength: number
  readonly expects: boolean
  readonly octets: Buffer
}

/** What a request is made of. `cuts` splits a chunked body; without it the body has a Content-Length. */
export interface RequestParts {
  readonly method: string
  readonly target: string
  readonly fields?: ReadonlyArray<readonly [string, string]>
  readonly body?: Uint8Array
  readonly cuts?: ReadonlyArray<number>
  readonly expects?: boolean
}

const cut = (body: Uint8Array, cuts: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const places = [0, ...cuts.map((at) => at % (body.length + 1)).sort((a, b) => a - b), body.length]
  return places.slice(1).flatMap((to, i) => (to > places[i] ? [body.subarray(places[i], to)] : []))
}

export const makeRequest = (parts: RequestParts): Request => {
  const { body = new Uint8Array(0), cuts, expects = false, fields = [], method, target } = parts
  const lines = [`${method} ${target} HTTP/1.1`, "Host: localhost:1234"]
  for (const [name, value] of fields) lines.push(`${name}: ${value}`)
  if (expects) lines.push("Expect: 100-continue")
  if (cuts !== undefined) lines.push("Transfer-Encoding: chunked")
  else if (body.length > 0) lines.push(`Content-Length: ${body.length}`)
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1")
  const marks = [
    body.length > 65_536 ? " large" : "",
    body.length > LIMIT ? " over-limit" : "",
    expects ? " expects" : ""
  ]
  return {
    name: `${method} ${target}${marks.join("")}`,
    method,
    bodyLength: body.length,
    expects,
    octets: Buffer.concat([head, cuts === undefined ? body : Wire.chunked(cut(body, cuts))])
  }
}

/** A response as it is compared. */
export interface Observation {
  readonly status: number
  readonly reason: string
  readonly fields: ReadonlyArray<ReadResponse.FieldLine>
  readonly body: string
  readonly trailers: ReadonlyArray<ReadResponse.FieldLine>
  readonly framing: string
  readonly complete: boolean
  readonly interim: ReadonlyArray<number>
}

/** The connection ended before a response was complete in its head. */
export const noResponse: Observation = {
  status: 0,
  reason: "",
  fields: [],
  body: "",
  trailers: [],
  framing: "None",
  complete: false,
  interim: []
}

export const observe = (response: ReadResponse.ReadResponse): Observation => ({
  status: response.status,
  reason: response.reason,
  fields: response.fields,
  body: response.body.toString("latin1"),
  trailers: response.trailers,
  framing: response.framing,
  complete: response.complete,
  interim: response.interim.map(({ status }) => status)
})

/** Sends one request after the other, each when the response before it is complete. */
export const converse = (port: number, requests: ReadonlyArray<Request>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const observations: Array<Observation> = []
      let wire = yield* Wire.connect(port)
      for (const { bodyLength, method, octets } of requests) {
        if (wire.ended || wire.closed) wire = yield* Wire.connect(port)
        wire.sendUnsafe(octets)
        const response = yield* wire.responseOrEnd(method)
        if (response === undefined) {
          observations.push(noResponse)
          continue
        }
        observations.push(observe(response))
        const closes = response.fields.some(
          ([name, value]) => name.toLowerCase() === "connection" && value.toLowerCase() === "close"
        )
        // Of a body in chunks that nobody read, a server cannot say beforehand whether it will read it to its end.
        if (closes || bodyLength > 65_536 || !response.complete || response.framing === "Close") {
          if (closes || !response.complete) yield* wire.end
          yield* wire.leave
          wire = yield* Wire.connect(port)
        }
      }
      return observations
    })
  )

/** Sends all requests at once and reads the responses, which must leave the connection open. */
export const pipeline = (port: number, requests: ReadonlyArray<Request>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const wire = yield* Wire.connect(port)
      wire.sendUnsafe(Buffer.concat(requests.map(({ octets }) => octets)))
      return yield* Effect.forEach(requests, ({ method }) => Effect.map(wire.response(method), observe))
    })
  )
