/**
 * WebSocket clients of others: ws, undici, Python's websockets and Chromium, with and without compression; over HTTP/2
 * undici, Chromium, and Python's h2 with wsproto.
 */
import { randomFillSync } from "node:crypto"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { NodeWS } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import type { NvoServer } from "@nvo/node"
import { RequestSource } from "@nvo/server"
import { Deferred, Effect, Option, type Scope } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Undici from "undici"
import * as Certificate from "./support/peersCertificate.ts"
import { folder, peerTest, run, start } from "./support/peersPrograms.ts"
import { type App, serve } from "./support/serve.ts"

const LARGE = 16 * 1024 * 1024
const SMALL = 100_000

const echo: App = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const socket = yield* request.upgrade
  const reader = yield* socket.reader
  const writer = yield* socket.writer
  return yield* Effect.forever(Effect.flatMap(reader.pull, writer.writeAll)).pipe(
    Effect.catchTag("SocketError", () => Effect.succeed(HttpServerResponse.empty()))
  )
})

const modes = {
  plain: {},
  deflate: { webSocketDeflate: true },
  "deflate with context takeover": { webSocketDeflate: true, webSocketDeflateTakeover: true }
} as const

type Mode = keyof typeof modes

/** Notes over which versions of HTTP requests came. */
const noting = (versions: Set<string>, app: App): App =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const source = Option.getOrUndefined(RequestSource.of(request))
    versions.add(source !== undefined && "streamId" in source.head ? "2" : "1.1")
    return app
  })

const serveEcho = (mode: Mode, app: App = echo, options: NvoServer.Options = {}) =>
  Effect.map(
    serve(app, {
      webSocketMessageBytes: 2 * LARGE,
      webSocketFrameBytes: 2 * LARGE,
      ...modes[mode],
      ...options
    }),
    ({ port }) => `${options.tls === undefined ? "ws" : "wss"}://127.0.0.1:${port}/`
  )

// Half of it can be compressed, and half of it cannot.
const large = Buffer.alloc(LARGE, "abcdefgh")
randomFillSync(large, LARGE / 2)

/** Messages in the order in which they come. */
class Inbox<A> {
  private readonly ready: Array<A> = []
  private waiting: ((message: A) => void) | undefined

  push(message: A): void {
    const { waiting } = this
    this.waiting = undefined
    if (waiting === undefined) this.ready.push(message)
    else waiting(message)
  }

  take(): Promise<A> {
    return new Promise((resolve) => {
      const first = this.ready.shift()
      if (first === undefined) this.waiting = resolve
      else resolve(first)
    })
  }
}

const within = (test: () => Promise<void>): Effect.Effect<void> => Effect.promise(test)

describe("ws", () => {
  for (const mode of Object.keys(modes) as ReadonlyArray<Mode>) {
    it.live(`${mode}: whole, fragmented, large and many messages, Ping and close`, () =>
      Effect.gen(function* () {
        const url = yield* serveEcho(mode)
        yield* within(async () => {
          const socket = new NodeWS.WebSocket(url, ["a", "b"], {
            perMessageDeflate: mode !== "plain",
            maxPayload: 0
          })
          const inbox = new Inbox<string | Buffer>()
          socket.on("message", (data, binary) => inbox.push(binary ? (data as Buffer) : data.toString()))
          await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject))
          assert.strictEqual(socket.protocol, "a")
          assert.strictEqual(socket.extensions.includes("permessage-deflate"), mode !== "plain")
          for (const message of ["", "grüße", Buffer.from([0, 255]), "x".repeat(70_000), large]) {
            socket.send(message)
            const back = await inbox.take()
            assert.isTrue(typeof message === "string" ? back === message : message.equals(back as Buffer))
          }
          socket.send("frag", { fin: false })
          socket.send("mented ", { fin: false })
          socket.ping("between")
          socket.send("text", { fin: true })
          assert.strictEqual(await inbox.take(), "fragmented text")
          // With context takeover, ws compresses each of them in a thread.
          const count = mode === "deflate with context takeover" ? SMALL / 20 : SMALL
          for (let i = 0; i < count; i++) socket.send(`message ${i}`)
          for (let i = 0; i < count; i++) {
            const back = await inbox.take()
            if (back !== `message ${i}`) assert.fail(`message ${i} came back as ${back}`)
          }
          const pong = new Promise((resolve) => socket.once("pong", (data) => resolve(data.toString())))
          socket.ping("alive")
          assert.strictEqual(await pong, "alive")
          const closed = new Promise((resolve) => socket.once("close", resolve))
          socket.close(4001, "done")
          assert.strictEqual(await closed, 4001)
        })
      })
    )
  }
})

const undiciWays = {
  "HTTP/1.1": { options: {}, version: "1.1", agent: () => new Undici.Agent() },
  "HTTP/2": {
    options: { tls: Certificate },
    version: "2",
    agent: () => new Undici.Agent({ allowH2: true, connect: { ca: Certificate.cert } })
  }
} as const

describe("undici", () => {
  for (const [mode, way] of [
    ["plain", "HTTP/1.1"],
    ["deflate", "HTTP/1.1"],
    ["plain", "HTTP/2"],
    ["deflate", "HTTP/2"]
  ] as const) {
    it.live(`over ${way}, ${mode}: text, binary, large and many messages, and close`, () =>
      Effect.gen(function* () {
        const { agent, options, version } = undiciWays[way]
        const versions = new Set<string>()
        const url = yield* serveEcho(mode, noting(versions, echo), options)
        const dispatcher = yield* Effect.acquireRelease(Effect.sync(agent), (made) =>
          Effect.promise(() => made.destroy())
        )
        yield* within(async () => {
          const socket = new Undici.WebSocket(url, { dispatcher })
          socket.binaryType = "arraybuffer"
          const inbox = new Inbox<string | ArrayBuffer>()
          socket.addEventListener("message", (event) => inbox.push(event.data))
          await new Promise((resolve, reject) => {
            socket.addEventListener("open", resolve)
            socket.addEventListener("error", reject)
          })
          assert.strictEqual(socket.extensions.includes("permessage-deflate"), mode !== "plain")
          for (const message of ["", "grüße", "x".repeat(70_000)]) {
            socket.send(message)
            assert.strictEqual(await inbox.take(), message)
          }
          socket.send(large)
          assert.isTrue(large.equals(Buffer.from((await inbox.take()) as ArrayBuffer)))
          for (let i = 0; i < SMALL; i++) socket.send(`message ${i}`)
          for (let i = 0; i < SMALL; i++) {
            const back = await inbox.take()
            if (back !== `message ${i}`) assert.fail(`message ${i} came back as ${back}`)
          }
          const closed = new Promise<number>((resolve) =>
            socket.addEventListener("close", (event) => resolve(event.code))
          )
          socket.close(4001, "done")
          assert.strictEqual(await closed, 4001)
          assert.deepStrictEqual([...versions], [version])
        })
      })
    )
  }
})

const script = fileURLToPath(new URL("./support/wsPeer.py", import.meta.url))

describe("Python's websockets", () => {
  for (const mode of ["plain", "deflate", "deflate with context takeover"] as const) {
    peerTest(
      "python3-websockets",
      `${mode}: whole, fragmented, large and many messages, Ping and close`,
      (python) =>
        Effect.gen(function* () {
          const url = yield* serveEcho(mode)
          const count = mode === "plain" ? SMALL : SMALL / 10
          const args = [script, url, mode === "plain" ? "plain" : "deflate", String(count), String(LARGE)]
          const { code, stderr, stdout } = yield* run(python, args)
          assert.strictEqual(stdout.trim(), "all well", `${code}: ${stderr}`)
        })
    )
  }
})

const script8441 = fileURLToPath(new URL("./support/wsHttp2Peer.py", import.meta.url))

describe("Python's h2 and wsproto", () => {
  for (const mode of ["plain", "deflate", "deflate with context takeover"] as const) {
    peerTest("python3-wsproto", `${mode}: whole, fragmented and large messages, Ping and close`, (python) =>
      Effect.gen(function* () {
        const url = yield* serveEcho(mode)
        const args = [script8441, new URL(url).port, mode === "plain" ? "plain" : "deflate"]
        const { code, stderr, stdout } = yield* run(python, args)
        assert.strictEqual(stdout.trim(), "all well", `${code}: ${stderr}`)
      })
    )
  }
})

// The page sends what the server has to send back, and says at last how it went.
const page = `<!doctype html><title>echo</title><script>
const socket = new WebSocket(location.href.replace("http", "ws"), ["echo"])
socket.binaryType = "arraybuffer"
const ready = []
let waiting
socket.onmessage = ({ data }) => { if (waiting) { const w = waiting; waiting = undefined; w(data) } else ready.push(data) }
const take = () => new Promise((resolve) => { if (ready.length > 0) resolve(ready.shift()); else waiting = resolve })
socket.onopen = async () => {
  try {
    for (const text of ["", "gr\\u00fc\\u00dfe \\u20ac", "x".repeat(70000)]) {
      socket.send(text)
      if (await take() !== text) throw new Error("text of " + text.length)
    }
    const bytes = new Uint8Array(${LARGE}).map((_, i) => i * 7)
    socket.send(bytes)
    const back = new Uint8Array(await take())
    if (back.length !== bytes.length || back.some((octet, i) => octet !== bytes[i])) throw new Error("large")
    for (let i = 0; i < ${SMALL}; i++) socket.send("message " + i)
    for (let i = 0; i < ${SMALL}; i++) if (await take() !== "message " + i) throw new Error("message " + i)
    socket.send("RESULT all well; " + socket.protocol + "; " + socket.extensions)
  } catch (error) { socket.send("RESULT " + error) }
}
</script>`

/** Serves the page and an echo that looks for the page's result. */
const withPage = (result: Deferred.Deferred<string>): App =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (request.headers.upgrade === undefined) return HttpServerResponse.html(page)
    const socket = yield* request.upgrade
    const reader = yield* socket.reader
    const writer = yield* socket.writer
    return yield* Effect.forever(
      Effect.flatMap(reader.pull, (batch) => {
        const last = batch[batch.length - 1]
        return typeof last === "string" && last.startsWith("RESULT ")
          ? Deferred.succeed(result, last)
          : writer.writeAll(batch)
      })
    ).pipe(Effect.catchTag("SocketError", () => Effect.succeed(HttpServerResponse.empty())))
  })

const browse = (chromium: string, url: string): Effect.Effect<unknown, never, Scope.Scope> =>
  Effect.flatMap(folder, (place) =>
    start(
      chromium,
      [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--ignore-certificate-errors",
        "--remote-debugging-port=0",
        `--user-data-dir=${Path.join(place, "profile")}`,
        url
      ],
      /DevTools listening/
    )
  )

describe("Chromium", () => {
  for (const [mode, version, options] of [
    ["plain", "1.1", {}],
    ["deflate", "1.1", {}],
    ["deflate", "2", { tls: Certificate }]
  ] as const) {
    peerTest("chromium", `over HTTP/${version}, ${mode}: text, binary, large and many messages`, (chromium) =>
      Effect.gen(function* () {
        const result = yield* Deferred.make<string>()
        const versions = new Set<string>()
        const url = yield* serveEcho(mode, noting(versions, withPage(result)), options)
        // The page comes over HTTP/2, and so does the WebSocket where the server offers it.
        yield* browse(chromium, url.replace(/^ws/, "http"))
        const extensions =
          mode === "plain" ? "" : "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        assert.strictEqual(yield* Deferred.await(result), `RESULT all well; echo; ${extensions}`)
        assert.deepStrictEqual([...versions], [version])
      }).pipe(Effect.timeout("50 seconds"))
    )
  }
})
