/**
 * Over HTTP/2, the memory of a server stays flat while a large body flows through it in either direction, and under a
 * bound for each stream while peers stall.
 *
 * `NVO_BODY_MIB` says how large (256).
 */
import * as NodeHttp2 from "node:http2"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { hasProc, most, server } from "./support/serverProcess.ts"

const MIB = 1_048_576
const BODY = Number(process.env.NVO_BODY_MIB ?? 256) * MIB

// A heap may grow before it is collected, and the process with it.
const SLACK = 128 * MIB

const CONNECTIONS = 20
const STREAMS = 50

// What a stream may hold whose peer takes nothing: http2QueueBytes and a piece of 64 KiB that is shared, and the objects
// of a stream, its fiber and its stream of pieces.
const SENDING = 48 * 1_024

// What a stream may hold whose handler reads nothing: its share of http2ConnectionWindow, and the objects.
const RECEIVING = 80 * 1_024

const session = (port: number, windows: number) =>
  Effect.acquireRelease(
    Effect.callback<NodeHttp2.ClientHttp2Session>((resume) => {
      const session = NodeHttp2.connect(`http://127.0.0.1:${port}`, {
        settings: { initialWindowSize: windows }
      })
      session.on("error", () => {})
      session.once("connect", () => {
        session.setLocalWindowSize(Math.max(65_535, windows * 2))
        resume(Effect.succeed(session))
      })
    }),
    (session) => Effect.sync(() => session.destroy())
  )

const piece = Buffer.alloc(65_536, ".")

const upload = (port: number, octets: number) =>
  Effect.scoped(
    Effect.flatMap(session(port, MIB), (session) =>
      Effect.callback<string, Error>((resume) => {
        const stream = session.request({ ":method": "POST", ":path": "/up" })
        let text = ""
        stream.setEncoding("latin1").on("data", (more: string) => {
          text += more
        })
        stream.on("end", () => resume(Effect.succeed(text)))
        stream.on("error", (error) => resume(Effect.fail(error)))
        let sent = 0
        const send = () => {
          while (sent < octets) {
            sent += piece.length
            if (!stream.write(piece)) return void stream.once("drain", send)
          }
          stream.end()
        }
        send()
      })
    )
  )

const download = (port: number, octets: number) =>
  Effect.scoped(
    Effect.flatMap(session(port, MIB), (session) =>
      Effect.callback<void, Error>((resume) => {
        const stream = session.request({ ":path": "/down" })
        let got = 0
        stream.on("data", (chunk: Buffer) => {
          got += chunk.length
          if (got >= octets) resume(Effect.void)
        })
        stream.on("error", (error) => resume(Effect.fail(error)))
      })
    )
  )

/** Opens streams and leaves them as they are; gives what they cost each. */
const stalled = (begin: (session: NodeHttp2.ClientHttp2Session) => void) =>
  Effect.gen(function* () {
    const { memory, port } = yield* server()
    // What is compiled and allocated once is not counted.
    yield* download(port, 16 * MIB)
    yield* upload(port, 16 * MIB)
    const { grown } = yield* most(
      memory,
      Effect.gen(function* () {
        for (let i = 0; i < CONNECTIONS; i++) {
          const client = yield* session(port, 0)
          for (let n = 0; n < STREAMS; n++) begin(client)
        }
        yield* Effect.sleep(1_500)
      })
    )
    return grown / (CONNECTIONS * STREAMS)
  })

describe.skipIf(!hasProc)("the memory of a server, over HTTP/2,", () => {
  it.live(`is flat while ${BODY / MIB} MiB come`, () =>
    Effect.gen(function* () {
      const { memory, port } = yield* server()
      yield* upload(port, 64 * MIB)
      const { grown, result } = yield* most(memory, upload(port, BODY))
      assert.strictEqual(result, String(BODY))
      assert.isBelow(grown, SLACK)
    })
  )

  it.live(`is flat while ${BODY / MIB} MiB go`, () =>
    Effect.gen(function* () {
      const { memory, port } = yield* server()
      yield* download(port, 64 * MIB)
      assert.isBelow((yield* most(memory, download(port, BODY))).grown, SLACK)
    })
  )

  it.live(
    `is under ${SENDING / 1_024} KiB for each of ${CONNECTIONS * STREAMS} streams that nobody reads`,
    () =>
      Effect.gen(function* () {
        const each = yield* stalled((client) => client.request({ ":path": "/down" }).on("error", () => {}))
        assert.isBelow(each, SENDING)
      })
  )

  it.live(
    `is under ${RECEIVING / 1_024} KiB for each of ${CONNECTIONS * STREAMS} bodies that nobody reads`,
    () =>
      Effect.gen(function* () {
        const each = yield* stalled((client) => {
          client
            .request({ ":method": "POST", ":path": "/stall" })
            .on("error", () => {})
            .write(piece)
        })
        assert.isBelow(each, RECEIVING)
      })
  )
})
