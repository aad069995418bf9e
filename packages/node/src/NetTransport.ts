/**
 * The transport over `node:net` and `node:tls`: TCP, unix sockets and TLS on every platform that Node runs on.
 */

import * as Net from "node:net"
import * as Tls from "node:tls"
import { Deadlines, Transport, TransportError } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import { accepting } from "./internal/accepting.ts"
import * as NetConnection from "./internal/netConnection.ts"
import type { TlsOptions } from "./TlsOptions.ts"
import * as TlsContext from "./TlsOptions.ts"

/** What a NetTransport is made with. */
export interface Options {
  /** Octets that may wait for the operating system before `write` suspends. Default: 65,536. */
  readonly writeHighWaterMark?: number | undefined
  /** How long a TLS handshake may take, in milliseconds. Default: 10,000. */
  readonly tlsHandshakeTimeout?: number | undefined
  /** Serves TLS where given. */
  readonly tls?: TlsOptions | undefined
  /**
   * Reads plain sockets by 'data' events, as on a Node whose sockets take no buffer: for the contract tests.
   *
   * @internal
   */
  readonly readsEvents?: boolean | undefined
}

const listenOptions = (options: Transport.ListenOptions): Net.ListenOptions =>
  options.path !== undefined
    ? { path: options.path, backlog: options.backlog }
    : {
        port: options.port ?? 0,
        ...(options.host === undefined ? {} : { host: options.host }),
        backlog: options.backlog,
        ...(options.reusePort === undefined ? {} : { reusePort: options.reusePort }),
        ...(options.ipv6Only === undefined ? {} : { ipv6Only: options.ipv6Only })
      }

const addressOf = (
  server: Net.Server
): Effect.Effect<NetAddress.SocketAddress, TransportError.TransportError> => {
  const address = server.address()
  if (address === null) return Effect.fail(listenFailed(new Error("The server has no address")))
  return typeof address === "string"
    ? Effect.succeed(NetAddress.unixPathAddress(address))
    : Effect.mapError(
        Effect.fromResult(NetAddress.inetAddressFromIpString(address.address, address.port)),
        listenFailed
      )
}

const listenFailed = (cause: unknown) => TransportError.make({ _tag: "ListenFailed", cause })

const open = (
  server: Net.Server,
  options: Transport.ListenOptions
): Effect.Effect<void, TransportError.TransportError> =>
  Effect.callback((resume) => {
    const onError = (cause: Error) => resume(Effect.fail(listenFailed(cause)))
    server.once("error", onError)
    server.listen(listenOptions(options), () => {
      server.off("error", onError)
      resume(Effect.void)
    })
  })

type Accepted = Effect.Effect<NetConnection.NetConnection, TransportError.TransportError>

// How many connections may wait for the program to accept them, which it does at once unless it pauses or has not
// begun. One more is reset. As many as the operating system queues by default.
const ACCEPT_QUEUE = 511

// Connections that came and that nobody has accepted yet, and who waits for one.
class AcceptQueue {
  private readonly ready: Array<Accepted> = []
  private waiting: ((accepted: Accepted) => void) | undefined = undefined

  push(accepted: Accepted): void {
    const { waiting } = this
    if (waiting === undefined) {
      if (this.ready.length < ACCEPT_QUEUE) this.ready.push(accepted)
      else discard(accepted)
    } else {
      this.waiting = undefined
      waiting(accepted)
    }
  }

  readonly take: Accepted = Effect.callback<NetConnection.NetConnection, TransportError.TransportError>(
    (resume) => {
      const ready = this.ready.shift()
      if (ready !== undefined) return resume(ready)
      this.waiting = resume
      return Effect.sync(() => {
        if (this.waiting === resume) this.waiting = undefined
      })
    }
  )

  /** Drops what nobody will accept. */
  readonly drop: Effect.Effect<void> = Effect.suspend(() =>
    Effect.sync(() => {
      for (const accepted of this.ready.splice(0)) discard(accepted)
    })
  )
}

const discard = (accepted: Accepted): void => {
  Effect.runFork(Effect.ignore(Effect.flatMap(accepted, (connection) => connection.reset)))
}

const acceptPlain = (
  server: Net.Server,
  queue: AcceptQueue,
  highWaterMark: number,
  buffers: boolean | undefined
): void => {
  server.on("connection", (socket) => {
    queue.push(Effect.succeed(NetConnection.fromSocket(socket, highWaterMark, buffers)))
  })
}

// Sockets under handshake belong to nobody yet: each has a deadline, and all are dropped with the listener.
class Handshakes {
  readonly timeout: number
  private readonly wheel: Deadlines.Deadlines
  private readonly sockets = new Map<Net.Socket, Deadlines.Deadline>()

  constructor(wheel: Deadlines.Deadlines, timeout: number) {
    this.wheel = wheel
    this.timeout = timeout
  }

  begin(socket: Net.Socket, onTimeout: () => void): void {
    const deadline = new Deadlines.Deadline(this.wheel, () => {
      socket.destroy()
      onTimeout()
    })
    deadline.arm(this.timeout)
    this.sockets.set(socket, deadline)
    socket.once("close", () => this.end(socket))
  }

  end(socket: Net.Socket): void {
    this.sockets.get(socket)?.release()
    this.sockets.delete(socket)
  }

  drop(): void {
    for (const socket of this.sockets.keys()) socket.destroy()
  }
}

const acceptTls = (
  server: Tls.Server,
  queue: AcceptQueue,
  highWaterMark: number,
  handshakes: Handshakes
): void => {
  const failed = (cause: unknown) =>
    queue.push(Effect.fail(TransportError.make({ _tag: "TlsHandshakeFailed", cause })))
  server.on("connection", (socket: Net.Socket) => {
    handshakes.begin(socket, () =>
      failed(new Error(`The handshake was not complete after ${handshakes.timeout} ms`))
    )
  })
  server.on("secureConnection", (socket) => {
    // The socket under TLS: Node keeps it there, and without it the connection would be dropped with the listener.
    const { _parent: parent } = socket as unknown as { readonly _parent?: Net.Socket }
    if (parent !== undefined && parent !== null) handshakes.end(parent)
    queue.push(Effect.succeed(NetConnection.fromTlsSocket(socket, highWaterMark)))
  })
  server.on("tlsClientError", (cause, socket) => {
    socket.destroy()
    failed(cause)
  })
}

const listen = (options: Options, where: Transport.ListenOptions) =>
  Effect.gen(function* () {
    const queue = new AcceptQueue()
    const handshakes = new Handshakes(yield* Deadlines.make, options.tlsHandshakeTimeout ?? 10_000)
    const highWaterMark = options.writeHighWaterMark ?? 65_536
    let server: Net.Server
    if (options.tls === undefined) {
      // Sockets are taken over before they read: see NetConnection.
      server = Net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true, highWaterMark })
      acceptPlain(server, queue, highWaterMark, options.readsEvents === true ? false : undefined)
    } else {
      const tls = yield* Effect.mapError(TlsContext.toServerOptions(options.tls), listenFailed)
      // Not half open before the handshake is complete: a peer that ended in it would never be noticed.
      // Node's own timeout is a timer for each socket.
      const tlsServer = Tls.createServer({ ...tls, allowHalfOpen: false, noDelay: true, handshakeTimeout: 0 })
      acceptTls(tlsServer, queue, highWaterMark, handshakes)
      server = tlsServer
    }
    const close = Effect.andThen(
      Effect.sync(() => {
        if (server.listening) server.close()
      }),
      queue.drop
    )
    yield* Effect.acquireRelease(open(server, where), () =>
      Effect.andThen(
        close,
        Effect.sync(() => handshakes.drop())
      )
    )
    // After it listens, an error is one of accepting.
    server.on("error", (cause) =>
      queue.push(Effect.fail(TransportError.make({ _tag: "AcceptFailed", cause })))
    )
    const address = yield* addressOf(server)
    const listener: Transport.Listener = {
      address,
      accept: accepting(queue.take),
      close
    }
    return listener
  })

/** Makes a NetTransport. */
export const make = (options: Options = {}): Transport.Transport["Service"] => ({
  listen: (where) => listen(options, where)
})

/** Provides a NetTransport as the `Transport`. */
export const layer = (options?: Options): Layer.Layer<Transport.Transport> =>
  Layer.succeed(Transport.Transport)(make(options))
