/**
 * The same requests over sockets, to two nvo servers: one with the routes that Effect makes, one with compiled ones.
 * Bodies may be larger than the server takes, and peers may leave in the middle of them.
 */
import { describe, expect, it } from "@effect/vitest"
import { NvoServer } from "@nvo/node"
import { Routes } from "@nvo/routes"
import { Context, Effect, Layer, Logger } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { NetAddress } from "effect/net"
import * as fc from "fast-check"
import { type Client, clients } from "./support/clients.ts"
import type { Sent } from "./support/observe.ts"
import { request } from "./support/requests.ts"
import * as Surface from "./support/surface.ts"

const REQUESTS = 1_500
const LIMIT = 4_096

const start = (client: Client, group: typeof HttpApiBuilder.group) =>
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
    const sends = yield* client.connect(NetAddress.formatUrlUnsafe(address, "http"))

    /** What handlers saw of the request with this number: those before it may be late. */
    const seenOf = (id: number) => seen.filter((what) => what.id === String(id))

    const send = (sent: Sent, id: number, padding: number, cut: boolean) => {
      const body =
        sent.body === undefined ? undefined : Buffer.concat([sent.body, Buffer.alloc(padding, " ")])
      return sends(sent, { "x-id": String(id) }, body, cut)
    }
    return { send, seenOf }
  })

describe("a compiled route behaves as the original over sockets", () => {
  it.live.each(clients)(`for ${REQUESTS} generated requests of $name`, (client) =>
    Effect.gen(function* () {
      const [original, compiled] = yield* Effect.all([
        start(client, HttpApiBuilder.group),
        start(client, Routes.group)
      ])
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
