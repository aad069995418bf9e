/**
 * The same requests over sockets, to two nvo servers: one with the routes that Effect makes, one with compiled ones.
 * Bodies may be larger than the server takes, and peers may leave in the middle of them.
 */
import * as Http from "node:http"
import { describe, expect, it } from "@effect/vitest"
import { NvoServer } from "@nvo/node"
import { Routes } from "@nvo/routes"
import { Context, Effect, Layer, Logger } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { NetAddress } from "effect/net"
import * as fc from "fast-check"
import type { Sent } from "./support/observe.ts"
import { request } from "./support/requests.ts"
import * as Surface from "./support/surface.ts"

const REQUESTS = 1_500
const LIMIT = 4_096

interface Answer {
  readonly status: number | undefined
  readonly fields: ReadonlyArray<string>
  readonly body: string
}

const start = (group: typeof HttpApiBuilder.group) =>
  Effect.gen(function* () {
    const seen: Array<Readonly<Record<string, unknown>>> = []
    const routes = Surface.routes(group, ({ parts: _, ...what }) => void seen.push(what))
    const served = HttpRouter.serve(routes as Layer.Layer<never>, {
      disableLogger: true,
      disableListenLog: true
    }).pipe(
      Layer.provide(Surface.services),
      Layer.provideMerge(
        NvoServer.layer({ host: "127.0.0.1", port: 0, bufferedBodyBytes: LIMIT, loopDelay: 0 })
      ),
      Layer.provide(Logger.layer([]))
    )
    const { address } = Context.get(yield* Layer.build(served), HttpServer.HttpServer)
    const url = NetAddress.formatUrlUnsafe(address, "http")
    const agent = new Http.Agent({ keepAlive: true })
    yield* Effect.addFinalizer(() => Effect.sync(() => agent.destroy()))

    /** What handlers saw of the request with this number: those before it may be late. */
    const seenOf = (id: number) => seen.filter((what) => what.id === String(id))

    const send = (sent: Sent, id: number, padding: number, cut: boolean): Promise<Answer | string> =>
      new Promise((resolve) => {
        const body = Buffer.concat([sent.body ?? Buffer.alloc(0), Buffer.alloc(padding, " ")])
        const outgoing = Http.request(new URL(sent.path, url), {
          method: sent.method,
          headers: {
            ...sent.headers,
            "x-id": id,
            ...(sent.body === undefined ? {} : { "content-length": body.length })
          },
          agent
        })
        outgoing.on("error", () => resolve("no response"))
        outgoing.on("response", (response) => {
          const chunks: Array<Buffer> = []
          response.on("data", (chunk) => chunks.push(chunk))
          response.on("error", () => resolve("a broken response"))
          response.on("end", () =>
            resolve({
              status: response.statusCode,
              fields: response.rawHeaders.filter((_, index, all) => !/^date$/i.test(all[index & ~1])),
              body: Buffer.concat(chunks).toString("latin1")
            })
          )
        })
        if (sent.body === undefined) outgoing.end()
        else if (cut) outgoing.write(body.subarray(0, body.length >> 1), () => outgoing.destroy())
        else outgoing.end(body)
      })
    return { send, seenOf }
  })

describe("a compiled route behaves as the original over sockets", () => {
  it.live(`for ${REQUESTS} generated requests`, () =>
    Effect.gen(function* () {
      const [original, compiled] = yield* Effect.all([start(HttpApiBuilder.group), start(Routes.group)])
      const statuses = new Set<unknown>()
      let id = 0
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(
            request,
            fc.constantFrom(0, 0, 0, LIMIT, LIMIT + 1),
            fc.integer({ min: 0, max: 9 }),
            async (sent, padding, cut) => {
              const cuts = cut === 0 && sent.body !== undefined && sent.body.length > 1
              const expected = await original.send(sent, ++id, padding, cuts)
              expect(await compiled.send(sent, id, padding, cuts)).toEqual(expected)
              // A body that was cut off may be read to its cut or not: that is a matter of time, not of the route.
              if (!cuts) expect(compiled.seenOf(id)).toEqual(original.seenOf(id))
              statuses.add(typeof expected === "string" ? expected : expected.status)
            }
          ),
          { numRuns: REQUESTS }
        )
      )
      for (const status of [200, 204, 400, 401, 404, 413, 415, 500, "no response"])
        expect(statuses).toContain(status)
    }).pipe(Effect.scoped)
  )
})
