/** One client for every way to reach a server: HTTP/1.1 and HTTP/2, each with and without TLS, over Node's own clients. */
import * as Http from "node:http"
import * as Http2 from "node:http2"
import * as Https from "node:https"
import type * as Stream from "node:stream"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Certificate from "./peersCertificate.ts"
import * as Ways from "./ways.ts"

export interface Request {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>
  readonly trailers?: Readonly<Record<string, string>>
}

export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: Buffer
  readonly trailers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** Interim responses in front of it: status and fields. */
  readonly interim: ReadonlyArray<readonly [status: number, link: string | undefined]>
}

export interface Client {
  readonly request: (request?: Request) => Effect.Effect<Response, Error>
}

export interface Way extends Ways.Way {
  readonly connect: (port: number) => Effect.Effect<Client, never, Scope.Scope>
}

const send = async (stream: Stream.Writable, body: Request["body"]): Promise<void> => {
  if (body === undefined) return
  if (typeof body === "string" || body instanceof Uint8Array) {
    stream.write(body)
    return
  }
  for await (const chunk of body) {
    if (!stream.write(chunk)) await new Promise((resolve) => stream.once("drain", resolve))
  }
}

const overHttp1 =
  (module: typeof Http | typeof Https, agent: () => Http.Agent) =>
  (port: number): Effect.Effect<Client, never, Scope.Scope> =>
    Effect.map(
      Effect.acquireRelease(Effect.sync(agent), (agent) => Effect.sync(() => agent.destroy())),
      (agent) => ({
        request: ({ body, headers, method = "GET", path = "/", trailers }: Request = {}) =>
          Effect.callback<Response, Error>((resume) => {
            const interim: Array<readonly [number, string | undefined]> = []
            const request = module.request(
              {
                host: "127.0.0.1",
                port,
                agent,
                method,
                path,
                headers: {
                  ...(trailers === undefined ? {} : { trailer: Object.keys(trailers).join() }),
                  ...headers
                }
              },
              (response) => {
                const chunks: Array<Buffer> = []
                response.on("data", (chunk: Buffer) => chunks.push(chunk))
                response.on("error", (error) => resume(Effect.fail(error)))
                response.on("end", () =>
                  resume(
                    Effect.succeed({
                      status: response.statusCode ?? 0,
                      headers: response.headers,
                      body: Buffer.concat(chunks),
                      trailers: response.trailers,
                      interim
                    })
                  )
                )
              }
            )
            request.on("information", ({ headers, statusCode }) =>
              interim.push([statusCode, headers.link as string | undefined])
            )
            request.on("error", (error) => resume(Effect.fail(error)))
            if (headers?.expect !== undefined) request.flushHeaders()
            const start = async () => {
              if (headers?.expect !== undefined) await new Promise((go) => request.once("continue", go))
              await send(request, body)
              if (trailers !== undefined) request.addTrailers(trailers)
              request.end()
            }
            void start()
            return Effect.sync(() => request.destroy())
          })
      })
    )

/** A session of Node's HTTP/2 client. */
export const session = (
  url: string,
  options: Http2.SecureClientSessionOptions = {}
): Effect.Effect<Http2.ClientHttp2Session, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const session = Http2.connect(url, options)
      session.on("error", () => {})
      return session
    }),
    (session) => Effect.sync(() => session.destroy())
  )

/** Sends a request on a session and reads its response. */
export const over = (
  session: Http2.ClientHttp2Session,
  { body, headers, method = "GET", path = "/", trailers }: Request = {}
): Effect.Effect<Response, Error> =>
  Effect.callback<Response, Error>((resume) => {
    const interim: Array<readonly [number, string | undefined]> = []
    const hasBody = body !== undefined || trailers !== undefined
    const stream = session.request(
      { ":method": method, ":path": path, ...headers },
      { endStream: !hasBody, waitForTrailers: trailers !== undefined }
    )
    const chunks: Array<Buffer> = []
    let head: Http2.IncomingHttpHeaders & Http2.IncomingHttpStatusHeader = {}
    let received: Http2.IncomingHttpHeaders = {}
    stream.on("headers", (fields) =>
      interim.push([fields[":status"] as number, fields.link as string | undefined])
    )
    stream.on("response", (fields) => {
      head = fields
    })
    stream.on("trailers", (fields) => {
      received = fields
    })
    stream.on("data", (chunk: Buffer) => chunks.push(chunk))
    stream.on("error", (error) => resume(Effect.fail(error)))
    stream.on("end", () =>
      resume(
        stream.rstCode === 0 || stream.rstCode === undefined
          ? Effect.succeed({
              status: Number(head[":status"]),
              headers: head as Response["headers"],
              body: Buffer.concat(chunks),
              trailers: received as Response["trailers"],
              interim
            })
          : Effect.fail(new Error(`reset with ${stream.rstCode}`))
      )
    )
    stream.on("wantTrailers", () => stream.sendTrailers(trailers ?? {}))
    const start = async () => {
      if (headers?.expect !== undefined) await new Promise((go) => stream.once("continue", go))
      await send(stream, body)
      stream.end()
    }
    if (hasBody) void start()
    return Effect.sync(() => stream.close(Http2.constants.NGHTTP2_CANCEL))
  })

const overHttp2 =
  (scheme: "http" | "https") =>
  (port: number): Effect.Effect<Client, never, Scope.Scope> =>
    Effect.map(session(`${scheme}://127.0.0.1:${port}`, { ca: Certificate.cert }), (session) => ({
      request: (request) => over(session, request)
    }))

const connect = ({ scheme, version }: Ways.Way): Way["connect"] => {
  if (version === "2") return overHttp2(scheme)
  return scheme === "http"
    ? overHttp1(Http, () => new Http.Agent({ keepAlive: true }))
    : overHttp1(Https, () => new Https.Agent({ keepAlive: true, ca: Certificate.cert }))
}

/** Every way. */
export const ways: ReadonlyArray<Way> = Ways.ways.map((way) => ({ ...way, connect: connect(way) }))
