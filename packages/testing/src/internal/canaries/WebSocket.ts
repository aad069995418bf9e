/** Servers whose WebSockets are broken. */
import type { Connections } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as Bytes from "../../Bytes.ts"
import type { Canary } from "../../Canaries.ts"
import { type Change, tamper } from "./Tamper.ts"

const PONG = 0xa
const isData = (opcode: number): boolean => opcode === 0x1 || opcode === 0x2
const HEAD_END = "\r\n\r\n"

// Octets of a frame without a mask; `undefined` while its header has not come in full.
const lengthOf = (octets: Uint8Array): number | undefined => {
  if (octets.length < 2) return undefined
  const short = octets[1] & 0x7f
  if (short < 126) return 2 + short
  const view = new DataView(octets.buffer, octets.byteOffset)
  if (short === 126) return octets.length < 4 ? undefined : 4 + view.getUint16(2)
  return octets.length < 10 ? undefined : 10 + Number(view.getBigUint64(2))
}

/** Changes the frames of a server, behind the head that switches protocols. Other answers go by as they are. */
const frames = (onSwitch: () => void, change: (opcode: number, frame: Uint8Array) => Uint8Array): Change => {
  let switched = false
  let kept = new Uint8Array(0)
  return (octets) => {
    const passed: Array<Uint8Array> = []
    let rest = octets
    if (!switched) {
      const text = Bytes.toText(octets)
      if (!text.startsWith("HTTP/1.1 101 ")) return octets
      switched = true
      onSwitch()
      const end = text.indexOf(HEAD_END) + HEAD_END.length
      passed.push(octets.slice(0, end))
      rest = octets.slice(end)
    }
    kept = Bytes.concat([kept, rest]) as Uint8Array<ArrayBuffer>
    for (
      let length = lengthOf(kept);
      length !== undefined && kept.length >= length;
      length = lengthOf(kept)
    ) {
      passed.push(change(kept[0] & 0xf, kept.slice(0, length)))
      kept = kept.slice(length)
    }
    return Bytes.concat(passed)
  }
}

const nothing = () => {}

// A message leaves on the WebSocket that had the last one before it, if that was another.
const mixesUpSockets: Canary = (() => {
  let last: { readonly id: number; readonly frame: Uint8Array } | undefined
  return {
    name: "mixes-up-sockets",
    protocol: "WebSocket",
    within: 30,
    connection: (connection) =>
      Effect.sync(() =>
        tamper(connection, {
          toClient: frames(nothing, (opcode, frame) => {
            if (!isData(opcode)) return frame
            const before = last
            last = { id: connection.id, frame }
            return before === undefined || before.id === connection.id ? frame : before.frame
          })
        })
      ),
    // A run begins.
    registry: (registry) => {
      last = undefined
      return registry
    }
  }
})()

// A Ping is not answered.
const forgetsPong: Canary = {
  name: "forgets-pong",
  protocol: "WebSocket",
  within: 30,
  connection: (connection) =>
    Effect.sync(() =>
      tamper(connection, {
        toClient: frames(nothing, (opcode, frame) => (opcode === PONG ? new Uint8Array(0) : frame))
      })
    )
}

// A connection that became a WebSocket stays in the registry.
const leaksSocket: Canary = (() => {
  const sockets = new Set<number>()
  return {
    name: "leaks-socket",
    protocol: "WebSocket",
    within: 10,
    connection: (connection) =>
      Effect.sync(() =>
        tamper(connection, {
          toClient: frames(
            () => sockets.add(connection.id),
            (_, frame) => frame
          )
        })
      ),
    registry: (registry) => {
      sockets.clear()
      const entries = registry.entries as Map<number, Connections.Entry>
      const remove = entries.delete.bind(entries)
      entries.delete = (id) => !sockets.has(id) && remove(id)
      return registry
    }
  }
})()

/** All of them. */
export const all: ReadonlyArray<Canary> = [mixesUpSockets, forgetsPong, leaksSocket]
