/**
 * The memory of a server stays flat while a large body flows through it in either direction, and under a bound for
 * each connection while peers stall.
 *
 * `NVO_BODY_MIB` says how large (512).
 */
import * as Net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { hasProc, most, server } from "./support/serverProcess.ts"

const BODY = Number(process.env.NVO_BODY_MIB ?? 512) * 1_048_576
const STALLED = 1_000
const MIB = 1_048_576

// What a connection may hold: a read-ahead of 16 KiB and one batch of 64 KiB, or 64 KiB and one piece of 64 KiB that
// wait to be written, and what the objects of a connection and a handler come to.
const BOUND = 160 * 1_024

// A heap may grow before it is collected, and the process with it.
const SLACK = 128 * MIB

const connect = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<Net.Socket>((resume) => {
      const socket = Net.connect(port, "127.0.0.1")
      socket.on("error", () => {})
      socket.once("connect", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => void socket.destroy())
  )

const piece = Buffer.alloc(65_536, ".")

const upload = (port: number, octets: number, path = "/up") =>
  Effect.scoped(
    Effect.gen(function* () {
      const socket = yield* connect(port)
      return yield* Effect.callback<string>((resume) => {
        socket.on("data", (text) => resume(Effect.succeed(text.toString("latin1"))))
        socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${octets}\r\n\r\n`)
        let sent = 0
        const send = () => {
          while (sent < octets) {
            sent += piece.length
            if (!socket.write(piece)) return void socket.once("drain", send)
          }
        }
        send()
      })
    })
  )

const download = (port: number, octets: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const socket = yield* connect(port)
      yield* Effect.callback<void>((resume) => {
        let got = 0
        socket.on("data", (chunk) => {
          got += chunk.length
          if (got >= octets) resume(Effect.void)
        })
        socket.write("GET /down HTTP/1.1\r\nHost: a\r\n\r\n")
      })
    })
  )

/** Opens connections and leaves them as they are; gives what they cost each. */
const stalled = Effect.fnUntraced(function* (request: Buffer) {
  const { memory, port } = yield* server()
  // What is compiled and allocated once is not counted.
  yield* download(port, 16 * MIB)
  yield* upload(port, 16 * MIB)
  const { grown } = yield* most(
    memory,
    Effect.gen(function* () {
      for (let i = 0; i < STALLED; i++) {
        const socket = yield* connect(port)
        socket.pause()
        socket.write(request)
      }
      yield* Effect.sleep(1_500)
    })
  )
  return grown / STALLED
})

describe.skipIf(!hasProc)("the memory of a server", () => {
  it.live(`is flat while ${BODY / MIB} MiB come`, () =>
    Effect.gen(function* () {
      const { memory, port } = yield* server()
      yield* upload(port, 64 * MIB)
      const { grown, result } = yield* most(memory, upload(port, BODY))
      assert.include(result, `\r\n\r\n${BODY}`)
      assert.isBelow(grown, SLACK)
    })
  )

  it.live(`is flat while ${BODY / MIB} MiB come that are lent`, () =>
    Effect.gen(function* () {
      const { memory, port } = yield* server()
      yield* upload(port, 64 * MIB, "/lent")
      const { grown, result } = yield* most(memory, upload(port, BODY, "/lent"))
      assert.include(result, `\r\n\r\n${BODY}`)
      assert.isBelow(grown, SLACK / 2)
    })
  )

  it.live(`is flat while ${BODY / MIB} MiB go`, () =>
    Effect.gen(function* () {
      const { memory, port } = yield* server()
      yield* download(port, 64 * MIB)
      assert.isBelow((yield* most(memory, download(port, BODY))).grown, SLACK)
    })
  )

  it.live(`is under ${BOUND / 1_024} KiB for each of ${STALLED} peers that read nothing`, () =>
    Effect.gen(function* () {
      assert.isBelow(yield* stalled(Buffer.from("GET /down HTTP/1.1\r\nHost: a\r\n\r\n")), BOUND)
    })
  )

  it.live(`is under ${BOUND / 1_024} KiB for each of ${STALLED} peers whose body nobody reads`, () =>
    Effect.gen(function* () {
      const head = `POST /stall HTTP/1.1\r\nHost: a\r\nContent-Length: ${MIB}\r\n\r\n`
      assert.isBelow(yield* stalled(Buffer.concat([Buffer.from(head), Buffer.alloc(MIB)])), BOUND)
    })
  )
})
