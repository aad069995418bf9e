/** The small servers as they are started from a shell, and a client that sends exactly the octets it is told to. */
import * as fs from "node:fs"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { Deferred, Effect, Fiber, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

const root = new URL("../../../", import.meta.url)

const { scripts } = JSON.parse(fs.readFileSync(new URL("package.json", root), "utf8"))

// What `npm run NAME -- …` runs, with the runtime of the repository.
const spawn = (name: string, args: ReadonlyArray<string>, env: Record<string, string>) =>
  Effect.flatMap(ChildProcessSpawner.ChildProcessSpawner, (spawner) => {
    const [, ...words] = (scripts[name] as string).split(" ")
    return spawner.spawn(
      ChildProcess.make(process.execPath, [...words, ...args], { cwd: root.pathname, env, extendEnv: true })
    )
  })

const lines = <E>(bytes: Stream.Stream<Uint8Array, E>) =>
  bytes.pipe((bytes) => Stream.decodeText(bytes), Stream.splitLines)

/** Runs a script of the repository to its end: the exit code, and what was said. */
export const runScript = Effect.fnUntraced(function* (
  name: string,
  args: string,
  env: Record<string, string> = {}
) {
  const handle = yield* spawn(name, args.split(" "), env)
  const said = yield* Stream.runCollect(lines(handle.all))
  return { exitCode: Number(yield* handle.exitCode), said: said.join("\n") }
})

/** `npm run serve`, to its end. */
export const run = (args: string, env?: Record<string, string>) => runScript("serve", args, env)

/** Starts a server on a free port; `stop` ends it and tells everything that it printed. */
export const start = Effect.fnUntraced(function* (args: string) {
  const handle = yield* spawn("serve", [...args.split(" "), "--port", "0"], {})
  const said: Array<string> = []
  const first = yield* Deferred.make<string>()
  const reading = yield* Effect.forkScoped(
    Stream.runForEach(lines(handle.all), (line) => {
      said.push(line)
      return Deferred.succeed(first, line)
    })
  )
  const line = yield* Deferred.await(first)
  return {
    line,
    url: new URL(line.slice(line.lastIndexOf(" ") + 1)),
    stop: Effect.gen(function* () {
      yield* handle.kill({ killSignal: "SIGTERM" })
      yield* Fiber.join(reading)
      return said
    })
  }
})

export interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** Sends octets on a connection of their own, and reads until the server ends it. */
export const send = (url: URL, request: string | ReadonlyArray<string>): Effect.Effect<Answer, Error> =>
  Effect.callback((resume) => {
    const to = { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) }
    const socket =
      url.protocol === "https:"
        ? Tls.connect({ ...to, rejectUnauthorized: false, servername: "localhost" })
        : Net.connect(to)
    let text = ""
    socket.setEncoding("latin1")
    socket.on("data", (chunk) => {
      text += chunk
    })
    socket.on("error", (error) => resume(Effect.fail(error)))
    socket.on("end", () => {
      const end = text.indexOf("\r\n\r\n")
      resume(
        Effect.succeed({
          status: Number(text.slice(9, 12)),
          head: text.slice(0, end).toLowerCase(),
          body: text.slice(end + 4)
        })
      )
    })
    for (const part of [request].flat()) socket.write(part, "latin1")
    return Effect.sync(() => socket.destroy())
  })

/** A request with a body of known length, on a connection that ends with it. */
export const request = (line: string, fields: ReadonlyArray<string> = [], body?: string): string =>
  [
    `${line} HTTP/1.1`,
    "Host: localhost",
    "Connection: close",
    ...fields,
    ...(body === undefined ? [] : [`Content-Length: ${body.length}`]),
    "",
    body ?? ""
  ].join("\r\n")
