/** Connections that are not what they were: what comes and goes is changed on its way. */
import { Latin1 } from "@nvo/protocol"
import type { Transport } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as Bytes from "../../Bytes.ts"

/** A connection with some of its parts replaced; the rest is the connection's own. */
export const withParts = (
  connection: Transport.Connection,
  parts: Partial<Transport.Connection>
): Transport.Connection =>
  new Proxy(connection, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in parts ? parts : target, name)
      return typeof value === "function" && !(name in parts) ? value.bind(target) : value
    },
    set: (target, name, value) => Reflect.set(target, name, value)
  })

/** Octets in, and those that go on in their place: none, where it waits for more. */
export type Change = (octets: Uint8Array) => Uint8Array

/** A connection on which what the client sends, and what the server does, is changed. */
export const tamper = (
  connection: Transport.Connection,
  change: { readonly toServer?: Change; readonly toClient?: Change }
): Transport.Connection => {
  const { toClient = (octets) => octets, toServer = (octets) => octets } = change
  const pull: Transport.Connection["pull"] = Effect.flatMap(connection.pull, (octets) => {
    // None are a wake that has to be passed on.
    const changed = toServer(octets)
    return changed.length === 0 && octets.length > 0 ? pull : Effect.succeed(changed)
  })
  const changed = (octets: ReadonlyArray<Latin1.Octets>): ReadonlyArray<Latin1.Octets> => {
    if (octets.length === 0) return octets
    const all = octets.map((one) => (typeof one === "string" ? Latin1.encode(one) : one))
    return [toClient(Bytes.concat(all))]
  }
  return withParts(connection, {
    pull,
    pullUnsafe: (reader) => {
      while (true) {
        const next = connection.pullUnsafe((octets) => reader(toServer(octets)))
        if (typeof next === "boolean") return next
        const passed = toServer(next)
        if (passed.length > 0) return passed
      }
    },
    divert: (diversion) =>
      connection.divert({
        octets: (octets) => {
          const changed = toServer(octets)
          return changed.length === 0 || diversion.octets(changed)
        },
        left: (error) => diversion.left(error)
      }),
    writeUnsafe: (octets) => connection.writeUnsafe(changed(octets)),
    write: (octets) => connection.write(changed(octets))
  })
}
