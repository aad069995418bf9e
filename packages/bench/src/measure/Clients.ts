/** Clients of every temper, on bare sockets: good ones, ones that break the protocol or leave, and slow ones. */
import { connect, type Socket } from "node:net"
import { Effect } from "effect"

/** What a client saw that it should not have seen; `undefined` where all was well. */
export type Complaint = string | undefined

/** How long a client waits for anything, in milliseconds: longer than a busy machine keeps it waiting. */
const PATIENCE = 20_000

/** How long the slow ones hold on, in milliseconds. */
const SLOW = 1_000

const get = (path: string, fields = "") => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
const post = (fields: string) => `POST /echo HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
const close = "Connection: close\r\n"

interface Talk {
  readonly socket: Socket
  /** Ends the client. */
  readonly done: (complaint?: string) => void
}

// A connection that is closed when `done` is called, or interrupted. What the server does to it is `talk`'s to judge.
const client =
  (talk: (talk: Talk) => void) =>
  (port: number): Effect.Effect<Complaint> =>
    Effect.callback((resume) => {
      const socket = connect(port, "127.0.0.1")
      const done = (complaint?: string) => {
        clearTimeout(timer)
        socket.destroy()
        resume(Effect.succeed(complaint))
      }
      const timer = setTimeout(() => done("nothing happened"), PATIENCE)
      socket.on("error", (error) => done(error.message))
      talk({ socket, done })
      return Effect.sync(() => {
        clearTimeout(timer)
        socket.destroy()
      })
    })

// Sends parts, reads to the end, and wants answers with this status.
const answered = (status: number, count: number, ...parts: ReadonlyArray<string>) =>
  client(({ done, socket }) => {
    let text = ""
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
    })
    socket.on("end", () => {
      const got = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => code).join(" ")
      const wanted = new Array(count).fill(status).join(" ")
      done(got === wanted ? undefined : `wanted ${wanted}, got ${got}`)
    })
    for (const part of parts) socket.write(part, "latin1")
  })

// One request after another on one connection.
const keptAlive = (count: number) =>
  client(({ done, socket }) => {
    let answers = 0
    socket.on("data", (chunk) => {
      if (!chunk.toString("latin1").endsWith("Hello, World!")) return
      if (++answers === count) done()
      else socket.write(get("/"))
    })
    socket.on("end", () => done(`the connection ended after ${answers} answers`))
    socket.write(get("/"))
  })

const download = client(({ done, socket }) => {
  let octets = 0
  socket.on("data", (chunk) => {
    octets += chunk.length
  })
  socket.on("end", () => done(octets > 256 * 65_536 ? undefined : `the body ended after ${octets} octets`))
  socket.write(get("/large", close))
})

// Sends something and resets the connection when the first octet comes, or at once.
const reset = (text: string, when: "connect" | "data") =>
  client(({ done, socket }) => {
    socket.write(text, "latin1")
    socket.once(when, () =>
      // A turn later, so that what was written is on its way.
      setImmediate(() => {
        socket.resetAndDestroy()
        done()
      })
    )
  })

// Sends an octet now and then, and leaves.
const trickle = (head: string, octet: string) =>
  client(({ done, socket }) => {
    socket.write(head, "latin1")
    const timer = setInterval(() => socket.write(octet), SLOW / 20)
    socket.on("close", () => clearInterval(timer))
    const leave = setTimeout(done, SLOW)
    socket.on("close", () => clearTimeout(leave))
  })

// Sends and reads nothing, and leaves.
const stalled = (text: string) =>
  client(({ done, socket }) => {
    socket.pause()
    if (text !== "") socket.write(text)
    const leave = setTimeout(done, SLOW)
    socket.on("close", () => clearTimeout(leave))
  })

const kilobyte = "a".repeat(1024)
const chunk = `400\r\n${kilobyte}\r\n`
const chunked = "Transfer-Encoding: chunked\r\n"

/** By name; a mix is all of them in turn. */
export const all: Readonly<Record<string, (port: number) => Effect.Effect<Complaint>>> = {
  "kept alive": keptAlive(50),
  pipelined: answered(200, 20, get("/").repeat(19), get("/", close)),
  upload: answered(200, 1, post(`${chunked}${close}`), chunk.repeat(200), "0\r\nX-Sum: 1\r\n\r\n"),
  download,
  "not HTTP": answered(400, 1, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
  "two Hosts": answered(400, 1, get("/", "Host: b\r\n")),
  "two lengths": answered(400, 1, post("Content-Length: 1\r\nContent-Length: 2\r\n")),
  "large field": answered(431, 1, get("/", `X-Large: ${kilobyte.repeat(128)}\r\n`)),
  "reset in a head": reset("GET / HTTP/1.1\r\nHos", "connect"),
  "reset in a body": reset(`${post(chunked)}${chunk}`, "connect"),
  "reset in an answer": reset(get("/large"), "data"),
  "slow head": trickle("GET / HTTP/1.1\r\nX-Slow: ", "a"),
  "slow body": trickle(`${post("Content-Length: 1000\r\n")}`, "a"),
  "slow reader": stalled(get("/large")),
  silent: stalled(""),
  "kept alive again": keptAlive(50)
}
