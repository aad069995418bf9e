/**
 * A peer of HTTP/1.1 in front of one connection of HTTP/2: what a test sends as octets of HTTP/1.1 is sent on by Node's
 * HTTP/2 client, a stream for each request, and what comes back is told as a response of HTTP/1.1. So a test that asks for
 * nothing that only HTTP/1.1 has runs over both. What a test does to its side of the connection, the gateway does to the
 * other: it ends it, drops it or resets it. A stream that is reset ends the response where it is.
 */
import * as Http from "node:http"
import * as Http2 from "node:http2"
import * as Net from "node:net"
import { type Duplex, duplexPair } from "node:stream"
import * as Tls from "node:tls"

// What belongs to a connection of HTTP/1.1 (RFC 9113 §8.2.2), and Host, which is :authority.
const left: ReadonlySet<string> = new Set([
  "connection",
  "host",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade"
])

const fieldsOf = (raw: ReadonlyArray<string>): Record<string, string | Array<string>> => {
  const fields: Record<string, string | Array<string>> = {}
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i].toLowerCase()
    if (left.has(name)) continue
    const before = fields[name]
    const all = before === undefined ? raw[i + 1] : [before, raw[i + 1]].flat()
    fields[name] = all
  }
  return fields
}

const responseFields = (headers: Http2.IncomingHttpHeaders): Array<[string, string | Array<string>]> =>
  Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith(":") || value === undefined ? [] : [[name, value] as [string, string | Array<string>]]
  )

// Octets that any server takes before it has said how many.
const SMALL = 16_384

const forward =
  (session: Http2.ClientHttp2Session, socket: Net.Socket, streams: Set<Http2.ClientHttp2Stream>) =>
  (req: Http.IncomingMessage, res: Http.ServerResponse) => {
    // Node closes behind a response that came before its 100: this one comes from the server.
    Object.assign(res, { _sent100: true })
    const length = req.headers["content-length"]
    const hasBody = req.headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0")
    const stream = session.request(
      {
        ":method": req.method ?? "GET",
        ":path": req.url ?? "/",
        ":authority": req.headers.host ?? "localhost",
        ...fieldsOf(req.rawHeaders)
      },
      { endStream: !hasBody, waitForTrailers: hasBody }
    )
    let complete = false
    streams.add(stream)
    stream.on("headers", (headers) => {
      const lines = responseFields(headers).flatMap(([name, value]) =>
        [value].flat().map((v) => `${name}: ${v}\r\n`)
      )
      res.socket?.write(
        `HTTP/1.1 ${headers[":status"]} ${Http.STATUS_CODES[String(headers[":status"])]}\r\n${lines.join("")}\r\n`
      )
    })
    stream.on("response", (headers) => {
      // What HTTP/2 has no field for is not added.
      res.sendDate = false
      res.removeHeader("connection")
      res.writeHead(Number(headers[":status"]), Object.fromEntries(responseFields(headers)))
      res.flushHeaders()
    })
    stream.on("data", (chunk: Buffer) => {
      if (res.write(chunk)) return
      stream.pause()
      res.once("drain", () => stream.resume())
    })
    stream.on("trailers", (headers) =>
      res.addTrailers(Object.fromEntries(responseFields(headers)) as Record<string, string>)
    )
    stream.on("end", () => {
      complete = stream.rstCode === undefined || stream.rstCode === Http2.constants.NGHTTP2_NO_ERROR
      if (complete) res.end()
    })
    stream.on("error", () => {})
    stream.on("close", () => {
      streams.delete(stream)
      if (!complete) res.socket?.end()
    })
    if (hasBody) {
      // A small body that came with its head leaves with it.
      if (length !== undefined && Number(length) <= SMALL) {
        socket.cork()
        setImmediate(() => {
          let held = true
          const leave = () => {
            if (held) socket.uncork()
            held = false
          }
          if (!req.complete || stream.destroyed || stream.writableFinished) return leave()
          stream.once("finish", leave)
          stream.once("close", leave)
        })
      }
      req.on("data", (chunk: Buffer) => {
        if (stream.destroyed || stream.write(chunk)) return
        req.pause()
        stream.once("drain", () => req.resume())
      })
      req.on("end", () => stream.end())
      stream.on("wantTrailers", () => stream.sendTrailers(fieldsOf(req.rawTrailers)))
      // Nobody wants the rest.
      stream.on("close", () => req.resume())
    }
    res.on("close", () => {
      if (!complete) stream.close(Http2.constants.NGHTTP2_CANCEL)
    })
  }

/** The side of a test, and what a peer of HTTP/2 can do that has no octets in HTTP/1.1. */
export interface Near {
  readonly socket: Duplex
  readonly localPort: number | undefined
  /** Resets the stream of each request that is under way. */
  readonly cancel: () => void
  /** Resets the connection. */
  readonly reset: () => void
}

const dial = (url: URL, options: Tls.ConnectionOptions): readonly [raw: Net.Socket, socket: Net.Socket] => {
  const raw = Net.connect({ port: Number(url.port), host: url.hostname, allowHalfOpen: true })
  if (url.protocol === "http:") return [raw, raw]
  return [raw, Tls.connect({ ...options, socket: raw, servername: "localhost", ALPNProtocols: ["h2"] })]
}

// The session sees a socket of its own, so that what is written can be held back, and so that this side can end while the
// other is still read. It is one of the system: Node's own stand-in for one fails where a session ends while it writes.
const relay = (): Promise<readonly [outer: Net.Socket, inner: Net.Socket]> =>
  new Promise((resolve, reject) => {
    const server = Net.createServer({ allowHalfOpen: true })
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const outer = Net.connect({ port: (server.address() as Net.AddressInfo).port, host: "127.0.0.1" })
      outer.once("error", reject)
      server.once("connection", (inner) => {
        server.close()
        resolve([outer, inner])
      })
    })
  })

const join = (socket: Net.Socket, inner: Net.Socket): void => {
  // What waits here is bounded by the windows of the server.
  inner.on("data", (chunk: Buffer) => {
    if (socket.writable) socket.write(chunk)
  })
  inner.on("error", () => {})
  inner.on("close", () => socket.destroy())
  socket.on("data", (chunk: Buffer) => {
    if (inner.write(chunk)) return
    socket.pause()
    inner.once("drain", () => socket.resume())
  })
  socket.on("end", () => inner.end())
  socket.on("error", () => {})
  socket.on("close", () => inner.end())
}

const connected = (raw: Net.Socket, socket: Net.Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    raw.once("error", reject)
    socket.once("error", reject)
    socket.once(socket === raw ? "connect" : "secureConnect", resolve)
  })

/** Connects; completes once the connection stands. */
export const connect = async (url: string, options: Tls.ConnectionOptions): Promise<Near> => {
  const [raw, socket] = dial(new URL(url), options)
  await connected(raw, socket)
  const [outer, inner] = await relay()
  join(socket, inner)
  const streams = new Set<Http2.ClientHttp2Stream>()
  const session = Http2.connect(url, { createConnection: () => outer })
  const [near, far] = duplexPair()
  const server = Http.createServer({ keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 })
  Object.assign(server, { httpAllowHalfOpen: true })
  const forwarding = forward(session, socket, streams)
  for (const event of ["request", "checkContinue", "checkExpectation"]) server.on(event, forwarding)
  server.on("clientError", (_, socket) => socket.destroy())
  // The connection ends with either side of it.
  session.on("error", () => {})
  session.on("close", () => far.end())
  far.on("error", () => {})
  // What was asked before has left when its PING is answered.
  far.on("end", () => {
    const end = () => void socket.end()
    if (session.destroyed || !session.ping(end)) end()
  })
  near.on("close", () => {
    far.destroy()
    session.destroy()
    socket.destroy()
  })
  await new Promise((resolve) => session.once("connect", resolve))
  server.emit("connection", far)
  return {
    socket: near,
    localPort: raw.localPort,
    cancel: () => {
      for (const stream of streams) stream.close(Http2.constants.NGHTTP2_CANCEL)
    },
    reset: () => {
      raw.resetAndDestroy()
      near.destroy()
    }
  }
}
