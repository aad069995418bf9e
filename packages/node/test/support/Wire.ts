/** A peer at the level of octets: sends what it is told, and reads what comes. Every wait is bounded. */

import * as Net from "node:net"
import * as Tls from "node:tls"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as ReadResponse from "./ReadResponse.ts"

const PATIENCE = 10_000

export class Wire {
  readonly socket: Net.Socket
  /** Whether the server has ended its side. */
  ended = false
  closed = false
  error: NodeJS.ErrnoException | undefined = undefined
  private consumed = 0
  private store = Buffer.alloc(0)
  private length = 0
  private readonly watchers = new Set<() => void>()

  constructor(socket: Net.Socket) {
    this.socket = socket
    const wake = () => {
      for (const watcher of [...this.watchers]) watcher()
    }
    socket.on("data", (chunk: Buffer) => {
      this.keep(chunk)
      wake()
    })
    socket.on("end", () => {
      this.ended = true
      wake()
    })
    socket.on("error", (error) => {
      this.error = error
      wake()
    })
    socket.on("close", () => {
      this.closed = true
      wake()
    })
  }

  /** Everything that came. */
  get received(): Buffer {
    return this.store.subarray(0, this.length)
  }

  // The room doubles, so that what comes in small pieces is not copied again with each of them.
  private keep(chunk: Buffer): void {
    const length = this.length + chunk.length
    if (length > this.store.length) {
      const store = Buffer.alloc(Math.max(length, 2 * this.store.length))
      this.store.copy(store, 0, 0, this.length)
      this.store = store
    }
    chunk.copy(this.store, this.length)
    this.length = length
  }

  /** Waits until `look` finds something. */
  until<A>(what: string, look: () => A | undefined): Effect.Effect<A> {
    return Effect.callback<A>((resume) => {
      const stop = () => {
        this.watchers.delete(watcher)
        clearTimeout(timer)
      }
      const finish = (effect: Effect.Effect<A>) => {
        stop()
        resume(effect)
      }
      const describe = () =>
        `Waited for ${what}; came: ${JSON.stringify(this.received.toString("latin1").slice(0, 2000))}, ` +
        `ended: ${this.ended}, closed: ${this.closed}, error: ${this.error?.code}`
      const watcher = () => {
        try {
          const found = look()
          if (found !== undefined) finish(Effect.succeed(found))
          else if (this.closed) finish(Effect.die(new Error(describe())))
        } catch (error) {
          finish(Effect.die(error))
        }
      }
      const timer = setTimeout(() => finish(Effect.die(new Error(describe()))), PATIENCE)
      this.watchers.add(watcher)
      watcher()
      return Effect.sync(stop)
    })
  }

  /** Sends octets; completes when the operating system has them. */
  send(data: string | Uint8Array): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data
      this.socket.write(bytes, () => resume(Effect.void))
    })
  }

  /** Hands octets over and does not wait. */
  sendUnsafe(data: string | Uint8Array): void {
    this.socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data)
  }

  /** The next response, whole, or cut where the connection ended. */
  response(method = "GET"): Effect.Effect<ReadResponse.ReadResponse> {
    return this.until(`a response to ${method}`, () => {
      const reading = ReadResponse.read(this.received, this.consumed, method, this.ended || this.closed)
      if (reading === undefined) return undefined
      this.consumed += reading.length
      return reading.response
    })
  }

  /** The next response, or `undefined` where the connection ended without one. */
  responseOrEnd(method = "GET"): Effect.Effect<ReadResponse.ReadResponse | undefined> {
    return Effect.map(
      this.until(`a response to ${method} or the end`, () => {
        const ended = this.ended || this.closed
        const reading = ReadResponse.read(this.received, this.consumed, method, ended)
        if (reading !== undefined) this.consumed += reading.length
        return reading !== undefined || ended ? { reading } : undefined
      }),
      ({ reading }) => reading?.response
    )
  }

  /** Octets behind what was read so far, at least `length` of them. */
  octets(length: number): Effect.Effect<Buffer> {
    return this.until(`${length} octets`, () => {
      if (this.received.length - this.consumed < length) return undefined
      const from = this.consumed
      this.consumed += length
      return this.received.subarray(from, from + length)
    })
  }

  /** Waits until `text` came. */
  contains(text: string): Effect.Effect<string> {
    return this.until(JSON.stringify(text), () => {
      const received = this.received.toString("latin1")
      return received.includes(text) ? received : undefined
    })
  }

  /** What stands behind the responses that were read. */
  get rest(): string {
    return this.received.toString("latin1", this.consumed)
  }

  /** Waits until the server ended its side. `true` if properly, `false` if by a reset. */
  get end(): Effect.Effect<boolean> {
    return this.until("the end", () => (this.ended ? true : this.closed ? false : undefined))
  }

  /** Ends this side. */
  get finish(): Effect.Effect<void> {
    return Effect.sync(() => void this.socket.end())
  }

  /** Leaves by a reset. */
  get reset(): Effect.Effect<void> {
    return Effect.sync(() => void this.socket.resetAndDestroy())
  }

  /** Leaves. */
  get leave(): Effect.Effect<void> {
    return Effect.sync(() => void this.socket.destroy())
  }
}

/** Makes a socket and waits for `event`. It is left with the Scope. */
export const opened = (make: () => Net.Socket, event: string): Effect.Effect<Wire, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Wire, Error>((resume) => {
      const socket = make()
      const wire = new Wire(socket)
      const fail = (error: Error) => resume(Effect.fail(error))
      socket.once("error", fail)
      socket.once(event, () => {
        socket.off("error", fail)
        resume(Effect.succeed(wire))
      })
    }),
    (wire) => wire.leave
  )

/** Connects by TCP. The peer keeps its side open when the server ends. */
export const connect = (port: number, host = "127.0.0.1"): Effect.Effect<Wire, Error, Scope.Scope> =>
  opened(() => Net.connect({ port, host, allowHalfOpen: true }), "connect")

export const connectPath = (path: string): Effect.Effect<Wire, Error, Scope.Scope> =>
  opened(() => Net.connect({ path, allowHalfOpen: true }), "connect")

export const connectTls = (options: Tls.ConnectionOptions): Effect.Effect<Wire, Error, Scope.Scope> =>
  opened(() => Tls.connect(options), "secureConnect")

/** Sends one request on its own connection and reads the response to it. */
export const exchange = (
  port: number,
  request: string | Uint8Array,
  method = "GET"
): Effect.Effect<ReadResponse.ReadResponse, Error> =>
  Effect.scoped(
    Effect.gen(function* () {
      const wire = yield* connect(port)
      wire.sendUnsafe(request)
      return yield* wire.response(method)
    })
  )

/** A request as text, with Host, and Content-Length where there is a body. */
export const request = (
  method: string,
  target: string,
  fields: Readonly<Record<string, string>> = {},
  body: string | Uint8Array = ""
): Buffer => {
  const bytes = typeof body === "string" ? Buffer.from(body) : body
  const lines = [`${method} ${target} HTTP/1.1`, "Host: localhost"]
  for (const [name, value] of Object.entries(fields)) lines.push(`${name}: ${value}`)
  if (bytes.length > 0) lines.push(`Content-Length: ${bytes.length}`)
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), bytes])
}

/** A chunked body. */
export const chunked = (pieces: ReadonlyArray<string | Uint8Array>, trailers = ""): Buffer =>
  Buffer.concat([
    ...pieces.map((piece) => {
      const bytes = typeof piece === "string" ? Buffer.from(piece) : piece
      return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")])
    }),
    Buffer.from(`0\r\n${trailers}\r\n`, "latin1")
  ])
