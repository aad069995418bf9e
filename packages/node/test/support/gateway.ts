/**
 * A peer of HTTP/1.1 in front of one connection of HTTP/2: what a test sends as octets of HTTP/1.1 is sent on by Node's
 * HTTP/2 client, a stream for each request, and what comes back is told as a response of HTTP/1.1. So a test that asks for
 * nothing that only HTTP/1.1 has runs over both. A peer that leaves resets its streams, and a stream that is reset ends
 * the response where it is.
 */
import * as Http from "node:http"
import * as Http2 from "node:http2"
import { type Duplex, duplexPair } from "node:stream"

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

const forward =
  (session: Http2.ClientHttp2Session) => (req: Http.IncomingMessage, res: Http.ServerResponse) => {
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
    stream.on("headers", (headers) => {
      const lines = responseFields(headers).flatMap(([name, value]) =>
        [value].flat().map((v) => `${name}: ${v}\r\n`)
      )
      res.socket?.write(
        `HTTP/1.1 ${headers[":status"]} ${Http.STATUS_CODES[String(headers[":status"])]}\r\n${lines.join("")}\r\n`
      )
    })
    stream.on("response", (headers) => {
      res.sendDate = false
      res.writeHead(Number(headers[":status"]), Object.fromEntries(responseFields(headers)))
      res.flushHeaders()
    })
    stream.on("trailers", (headers) =>
      res.addTrailers(Object.fromEntries(responseFields(headers)) as Record<string, string>)
    )
    stream.on("data", (chunk: Buffer) => {
      if (res.write(chunk)) return
      stream.pause()
      res.once("drain", () => stream.resume())
    })
    stream.on("end", () => {
      complete = stream.rstCode === undefined || stream.rstCode === Http2.constants.NGHTTP2_NO_ERROR
      if (complete) res.end()
    })
    stream.on("error", () => {})
    stream.on("close", () => {
      if (!complete) res.socket?.end()
    })
    if (hasBody) {
      req.on("data", (chunk: Buffer) => {
        if (stream.destroyed || stream.write(chunk)) return
        req.pause()
        stream.once("drain", () => req.resume())
      })
      req.on("end", () => stream.end())
      stream.on("wantTrailers", () => stream.sendTrailers(req.trailers as Http2.OutgoingHttpHeaders))
      // Nobody wants the rest.
      stream.on("close", () => req.resume())
    }
    res.on("close", () => {
      if (!complete) stream.close(Http2.constants.NGHTTP2_CANCEL)
    })
  }

/** The side of a test, once the connection stands. */
export const connect = (url: string, options: Http2.SecureClientSessionOptions): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const session = Http2.connect(url, options)
    session.once("error", reject)
    session.once("connect", () => {
      const [near, far] = duplexPair()
      const server = Http.createServer({ keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 })
      server.on("request", forward(session))
      server.on("checkContinue", forward(session))
      server.on("checkExpectation", forward(session))
      server.on("clientError", (_, socket) => socket.destroy())
      // The connection ends with either side of it.
      session.on("error", () => {})
      session.on("close", () => far.end())
      far.on("error", () => {})
      near.on("close", () => {
        far.destroy()
        session.destroy()
      })
      far.on("close", () => session.close())
      server.emit("connection", far)
      resolve(near)
    })
  })
