/** Clients that write down what is answered over sockets, or that nothing is. */
import * as Http from "node:http"
import * as Http2 from "node:http2"
import { Effect, type Scope } from "effect"
import type { Sent } from "./observe.ts"

export interface Answer {
  readonly status: number | undefined
  readonly fields: ReadonlyArray<string>
  readonly body: string
}

/** Sends a request with this body in place of its own, and leaves in the middle of it where it is `cut`. */
export type Send = (
  sent: Sent,
  fields: Readonly<Record<string, string>>,
  body: Buffer | undefined,
  cut: boolean
) => Promise<Answer | string>

export interface Client {
  readonly name: string
  readonly connect: (url: string) => Effect.Effect<Send, never, Scope.Scope>
}

const NOTHING = "no response"
const BROKEN = "a broken response"

const http1: Client = {
  name: "HTTP/1.1",
  connect: (url) =>
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => new Http.Agent({ keepAlive: true })),
        (agent) => Effect.sync(() => agent.destroy())
      ),
      (agent) => (sent, fields, body, cut) =>
        new Promise((resolve) => {
          const outgoing = Http.request(new URL(sent.path, url), {
            method: sent.method,
            headers: {
              ...sent.headers,
              ...fields,
              ...(body === undefined ? {} : { "content-length": body.length })
            },
            agent
          })
          outgoing.on("error", () => resolve(NOTHING))
          outgoing.on("response", (response) => {
            const chunks: Array<Buffer> = []
            response.on("data", (chunk) => chunks.push(chunk))
            response.on("error", () => resolve(BROKEN))
            response.on("end", () =>
              resolve({
                status: response.statusCode,
                fields: response.rawHeaders.filter((_, index, all) => !/^date$/i.test(all[index & ~1])),
                body: Buffer.concat(chunks).toString("latin1")
              })
            )
          })
          if (body === undefined) outgoing.end()
          else if (cut) outgoing.write(body.subarray(0, body.length >> 1), () => outgoing.destroy())
          else outgoing.end(body)
        })
    )
}

// What HTTP/2 has no fields for (RFC 9113 §8.2.2).
const withoutConnection = ({ connection: _, upgrade: __, ...rest }: Sent["headers"]) => rest

const http2: Client = {
  name: "HTTP/2",
  connect: (url) =>
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => Http2.connect(url)),
        (session) => Effect.sync(() => session.destroy())
      ),
      (session) => (sent, fields, body, cut) =>
        new Promise((resolve) => {
          const stream = session.request(
            {
              ":method": sent.method,
              ":path": sent.path,
              ...withoutConnection(sent.headers),
              ...fields,
              ...(body === undefined ? {} : { "content-length": body.length })
            },
            { endStream: body === undefined }
          )
          let answer: Answer | undefined
          const chunks: Array<Buffer> = []
          stream.on("error", () => {})
          stream.on("response", ({ ":status": status, date: _, ...headers }) => {
            answer = { status, fields: Object.entries(headers).flat().map(String), body: "" }
          })
          stream.on("data", (chunk: Buffer) => chunks.push(chunk))
          stream.on("close", () => {
            if (answer === undefined) resolve(NOTHING)
            else if (stream.rstCode !== Http2.constants.NGHTTP2_NO_ERROR) resolve(BROKEN)
            else resolve({ ...answer, body: Buffer.concat(chunks).toString("latin1") })
          })
          if (body === undefined) return
          if (!cut) return void stream.end(body)
          stream.write(body.subarray(0, body.length >> 1), () => stream.close(Http2.constants.NGHTTP2_CANCEL))
        })
    )
}

export const clients: ReadonlyArray<Client> = [http1, http2]
