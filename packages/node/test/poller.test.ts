/** The poller as a service: scoped registrations, batches of events, and what the kernel says of both. */

import { execFile } from "node:child_process"
import * as Fs from "node:fs"
import * as Net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Poller, type PollerError } from "@nvo/node"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"

/** The descriptors that the kernel lists as registered with the epoll descriptors of this process. */
const registered = (): ReadonlyArray<number> =>
  Fs.readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      if (Fs.readlinkSync(`/proc/self/fd/${fd}`) !== "anon_inode:[eventpoll]") return []
      const lines = Fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").matchAll(/^tfd:\s+(\d+)/gm)
      return [...lines].map((line) => Number(line[1]))
    } catch {
      return []
    }
  })

// Two ends of a pipe, made by a child: a descriptor that is read by nobody else here.
const pipe = Effect.acquireRelease(
  Effect.callback<{ readonly read: number; readonly write: number }>((resume) => {
    const path = `${process.env.TMPDIR ?? "/tmp"}/nvo-poller-${process.pid}-${Math.random().toString(36).slice(2)}`
    execFile("mkfifo", [path], () => {
      const read = Fs.openSync(path, Fs.constants.O_RDONLY | Fs.constants.O_NONBLOCK)
      const write = Fs.openSync(path, Fs.constants.O_WRONLY | Fs.constants.O_NONBLOCK)
      Fs.rmSync(path)
      resume(Effect.succeed({ read, write }))
    })
  }),
  ({ read, write }) =>
    Effect.sync(() => {
      Fs.closeSync(read)
      try {
        Fs.closeSync(write)
      } catch {
        // A test has closed it.
      }
    })
)

const layered = <E, R>(self: Effect.Effect<void, E, R>) => Effect.provide(self, Poller.layer)

describe("Poller", () => {
  it.live("registers with the kernel, and deregisters when the Scope closes", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.Poller
      const { read } = yield* pipe
      const scope = yield* Scope.make()
      const registration = yield* Scope.provide(poller.register(read, { readable: true }, "one"), scope)
      assert.include(registered(), read)
      assert.deepInclude(registration, { fd: read, token: "one", active: true })
      yield* Scope.close(scope, Exit.die("however it ends"))
      assert.notInclude(registered(), read)
      assert.isFalse(registration.active)
    }).pipe(layered)
  )

  it.live("deregisters before the Scope closes where asked, and the Scope does not mind", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.Poller
      const { read } = yield* pipe
      yield* Effect.scoped(
        Effect.gen(function* () {
          const registration = yield* poller.register(read, { readable: true })
          yield* poller.deregister(registration)
          assert.notInclude(registered(), read)
          yield* poller.deregister(registration)
        })
      )
      yield* Effect.scoped(poller.register(read, { readable: true }))
    }).pipe(layered)
  )

  it.live("gives all events that there are in one batch", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.Poller
      const pipes = yield* Effect.all(Array.from({ length: 20 }, () => pipe))
      for (const [i, { read, write }] of pipes.entries()) {
        yield* poller.register(read, { readable: true }, i)
        Fs.writeSync(write, "x")
      }
      const events = yield* poller.wait
      assert.deepStrictEqual(
        events.map(({ registration }) => registration.token).sort((a, b) => Number(a) - Number(b)),
        pipes.map((_, i) => i)
      )
      assert.isTrue(events.every((event) => event.readable && !event.writable && !event.departed))
    }).pipe(layered)
  )

  it.live("tells at the edge: once, and again after modify", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.Poller
      const { read, write } = yield* pipe
      const registration = yield* poller.register(read, { readable: true })
      Fs.writeSync(write, "x")
      assert.lengthOf(yield* poller.wait, 1)
      const waiting = yield* Effect.forkScoped(poller.wait)
      yield* Effect.sleep(30)
      assert.isUndefined(waiting.pollUnsafe(), "nothing new")
      yield* poller.modify(registration, { readable: true })
      assert.lengthOf(yield* Fiber.join(waiting), 1)
    }).pipe(layered)
  )

  it.live("gives no event of what was deregistered", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.Poller
      const first = yield* pipe
      const second = yield* pipe
      const registration = yield* poller.register(first.read, { readable: true }, "first")
      yield* poller.register(second.read, { readable: true }, "second")
      Fs.writeSync(first.write, "x")
      Fs.writeSync(second.write, "x")
      yield* poller.deregister(registration)
      assert.deepStrictEqual(
        (yield* poller.wait).map((event) => event.registration.token),
        ["second"]
      )
    }).pipe(layered)
  )

  it.live("tells a hang-up apart from octets", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.Poller
      const { read, write } = yield* pipe
      yield* poller.register(read, { readable: true })
      Fs.closeSync(write)
      const [event] = yield* poller.wait
      assert.deepStrictEqual([event?.readable, event?.hungUp, event?.failed], [false, true, false])
    }).pipe(layered)
  )

  it.live("says which call failed, for a descriptor that is none", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.Poller
      const error: PollerError = yield* Effect.flip(
        Effect.scoped(poller.register(1_000_000, { readable: true }))
      )
      assert.strictEqual(error._tag, "PollerError")
      assert.strictEqual(error.reason._tag, "SystemCallFailed")
      assert.include(error.message, "descriptor 1000000) EBADF")
    }).pipe(layered)
  )

  it.live("lets one wait at a time", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.Poller
      yield* Effect.forkScoped(poller.wait, { startImmediately: true })
      assert.isTrue(Exit.hasDies(yield* Effect.exit(poller.wait)))
    }).pipe(layered)
  )

  it.live("holds one descriptor, until its Scope closes", () =>
    Effect.gen(function* () {
      const open = () => Fs.readdirSync("/proc/self/fd").length
      const before = open()
      yield* Effect.scoped(Effect.asVoid(Poller.make))
      assert.strictEqual(open(), before)
    })
  )
})

const child = new URL("./support/pollChild.ts", import.meta.url).pathname

const runChild = (args: ReadonlyArray<string>) =>
  Effect.callback<{ readonly code: unknown; readonly said: string }>((resume) => {
    execFile(process.execPath, [...args, child], { timeout: 40_000 }, (error, stdout) =>
      resume(Effect.succeed({ code: error === null ? 0 : (error.code ?? error.signal), said: stdout.trim() }))
    )
  })

describe("a process that serves over the poller", () => {
  it.live(
    "survives peers that leave, with SIGPIPE at its default, and ends when the server has stopped",
    () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* runChild([]), { code: 0, said: "answered 100000\nstopped" })
      })
  )

  it.live("says which Node it needs where node:ffi is missing", () =>
    Effect.gen(function* () {
      const { said } = yield* runChild(["--no-experimental-ffi"])
      assert.match(said, /^PollerError: The poll transport needs node:ffi, which Node 26\.10 brings/)
    })
  )
})

describe("beside the poller", () => {
  it.live("node:net goes on: a socket of its own in the same process", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.Poller
      const { read } = yield* pipe
      yield* poller.register(read, { readable: true })
      yield* Effect.forkScoped(poller.wait)
      const server = Net.createServer((socket) => socket.end("hello")).listen(0, "127.0.0.1")
      yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
      const said = yield* Effect.callback<string>((resume) => {
        server.once("listening", () => {
          const { port } = server.address() as Net.AddressInfo
          Net.connect(port, "127.0.0.1").once("data", (data) => resume(Effect.succeed(data.toString())))
        })
      })
      assert.strictEqual(said, "hello")
    }).pipe(layered)
  )
})
