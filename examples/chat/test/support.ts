/** The program as a child process, and a plain WebSocket client of it. */
import { fileURLToPath } from "node:url"
import { Data, Deferred, Effect, FileSystem, Queue, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

export class Missing extends Data.TaggedError("Missing")<{ readonly what: string }> {
  override get message() {
    return `${this.what} does not come`
  }
}

export const within = (what: string) =>
  Effect.timeoutOrElse({ duration: "30 seconds", orElse: () => Effect.fail(new Missing({ what })) })

/** A program that runs until the Scope closes, and the first match of `ready` in what it prints. */
export const run = Effect.fnUntraced(function* (
  path: string,
  args: ReadonlyArray<string>,
  ready: RegExp,
  env: Record<string, string> = {}
) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const handle = yield* spawner.spawn(ChildProcess.make(path, args, { env, extendEnv: true }))
  const found = yield* Deferred.make<RegExpMatchArray>()
  // What comes later is read as well: a program must be able to print.
  yield* Stream.merge(handle.stdout, handle.stderr).pipe(
    (bytes) => Stream.decodeText(bytes),
    Stream.splitLines,
    Stream.runForEach((line) => {
      const match = line.match(ready)
      return match === null ? Effect.void : Deferred.succeed(found, match)
    }),
    Effect.forkScoped
  )
  return { handle, match: yield* Deferred.await(found).pipe(within(`${path} that is ready`)) }
})

/** The chat, with its history in `file`. */
export const start = Effect.fnUntraced(function* (file: string, port = "0") {
  const { handle, match } = yield* run(process.execPath, [main], /Listening on http:\/\/.*:(\d+)/, {
    PORT: port,
    CHAT_DB: file
  })
  // 130 is NodeRuntime's code for a program that was interrupted, and ended in order.
  const stop = Effect.andThen(handle.kill({ killSignal: "SIGTERM" }), handle.exitCode)
  return { port: match[1], at: `127.0.0.1:${match[1]}`, stop }
})

export const folder = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

/** A WebSocket that is open, with the texts it receives and the code it is closed with. */
export const connect = Effect.fnUntraced(function* (url: string) {
  const received = yield* Queue.unbounded<string>()
  const closed = yield* Deferred.make<number>()
  const socket = yield* Effect.acquireRelease(
    Effect.callback<WebSocket, Missing>((resume) => {
      const socket = new WebSocket(url)
      socket.onopen = () => resume(Effect.succeed(socket))
      socket.onerror = () => resume(Effect.fail(new Missing({ what: url })))
      socket.onmessage = ({ data }) => Queue.offerUnsafe(received, String(data))
      socket.onclose = ({ code }) => Deferred.doneUnsafe(closed, Effect.succeed(code))
    }),
    (socket) => Effect.sync(() => socket.close())
  )
  const next = Effect.map(Queue.take(received), (text) => JSON.parse(text))
  return {
    send: (value: unknown) => Effect.sync(() => socket.send(JSON.stringify(value))),
    next,
    soon: next.pipe(within(`a message from ${url}`)),
    closed: Deferred.await(closed).pipe(within(`the end of ${url}`))
  }
})
