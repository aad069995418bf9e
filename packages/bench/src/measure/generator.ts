/**
 * `node generator.ts '{…}'`: a load generator on bare sockets, for what wrk cannot do: load by the clock, transfers,
 * and connections that stay idle. Prints one line of JSON for each thing that its parent waits for.
 *
 * Paced load is open loop: a request is due at a time that does not depend on the answers before it, and its latency
 * counts from that time, also when every connection was busy. So a server that stalls cannot hide it.
 */
import * as Net from "node:net"
import { Histogram } from "./Histogram.ts"

/** What the generator is told. */
export interface Order {
  readonly kind: "requests" | "transfer" | "idle"
  readonly port: number
  readonly connections: number
  readonly seconds: number
  /** Requests per second; `undefined` for as fast as the answers come. */
  readonly rate?: number | undefined
  /** The request as it is sent; for an upload its head. */
  readonly request: string
  /** Octets to send behind the request. */
  readonly upload?: number | undefined
  /** Milliseconds after which a request is given up. */
  readonly patience?: number | undefined
}

/** What came of it. Latencies in microseconds, of answers with a status below 500. */
export interface Report {
  readonly requests: number
  readonly seconds: number
  readonly ok: number
  /** Of `ok`, those that came before the time was over. */
  readonly timely: number
  readonly shed: number
  readonly failed: number
  /** Of `failed`, those that were not sent in time: no connection was free. */
  readonly unsent: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  /** Octets of the bodies that came. */
  readonly octets: number
}

const now = (): number => performance.now() * 1000

const order: Order = JSON.parse(process.argv[2])
const latencies = new Histogram()
let ok = 0
let timely = 0
let end = Number.POSITIVE_INFINITY
let shed = 0
let failed = 0
let unsent = 0
let octets = 0

// One buffer for the reads of all connections, and what an upload is made of: large, so that a transfer costs the
// generator less than it costs any server.
const READ = Buffer.alloc(262_144)
const PIECE = Buffer.alloc(1_048_576, 0x61)

/** One connection: at most one request under way. Reads answers with a length, and chunked ones. */
class Client {
  private socket!: Net.Socket
  private text = ""
  private remaining = -1
  private chunked = false
  private dueAt = 0
  private sentAt = 0
  private status = 0
  busy = false
  open = false
  private readonly onAnswer: (client: Client) => void

  constructor(onAnswer: (client: Client) => void) {
    this.onAnswer = onAnswer
    this.connect()
  }

  private connect(): void {
    const socket = Net.connect({
      port: order.port,
      host: "127.0.0.1",
      noDelay: true,
      // What comes is looked at and let go: a Buffer for each read would make the generator the slower side.
      onread: {
        buffer: READ,
        callback: (length) => {
          this.receive(READ.subarray(0, length))
          return true
        }
      }
    })
    this.socket = socket
    this.text = ""
    this.remaining = -1
    socket.on("connect", () => {
      this.open = true
      this.onAnswer(this)
    })
    socket.on("error", () => socket.destroy())
    socket.on("close", () => {
      const wasOpen = this.open
      this.open = false
      if (this.busy) failed++
      this.busy = false
      // Not at once: a server that refuses connections would be asked without end.
      if (!stopped) setTimeout(() => stopped || this.connect(), wasOpen ? 0 : 20)
    })
  }

  send(dueAt: number): void {
    this.busy = true
    this.dueAt = dueAt
    this.sentAt = now()
    this.socket.write(order.request, "latin1")
    if (order.upload !== undefined) this.upload(order.upload)
  }

  private upload(left: number): void {
    const more = () => {
      while (left > 0) {
        const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE
        left -= piece.length
        if (!this.socket.write(piece)) return
      }
      this.socket.off("drain", more)
    }
    this.socket.on("drain", more)
    more()
  }

  /** Gives up a request that nobody will answer in time. */
  expire(before: number): void {
    if (this.busy && this.sentAt < before) this.socket.destroy()
  }

  private receive(chunk: Buffer): void {
    if (this.remaining > 0 && !this.chunked) return this.take(chunk)
    if (this.chunked) {
      octets += chunk.length
      // The last chunk is "0", and nothing stands behind it: one request is under way at most.
      this.text = (this.text + chunk.toString("latin1", Math.max(0, chunk.length - 5))).slice(-5)
      if (this.text === "0\r\n\r\n") this.finish()
      return
    }
    this.text += chunk.toString("latin1")
    const end = this.text.indexOf("\r\n\r\n")
    if (end === -1) return
    const head = this.text.slice(0, end).toLowerCase()
    const body = Buffer.from(this.text.slice(end + 4), "latin1")
    this.status = Number(head.slice(9, 12))
    this.text = ""
    const length = /content-length: *(\d+)/.exec(head)
    if (length === null) {
      this.chunked = true
      if (body.length > 0) this.receive(body)
      return
    }
    this.remaining = Number(length[1])
    this.take(body)
  }

  private take(chunk: Buffer): void {
    octets += chunk.length
    this.remaining -= chunk.length
    if (this.remaining <= 0) this.finish()
  }

  private finish(): void {
    this.remaining = -1
    this.chunked = false
    this.text = ""
    this.busy = false
    if (this.status < 500) {
      const at = now()
      ok++
      if (at < end) timely++
      latencies.add(at - this.dueAt)
    } else if (this.status === 503) shed++
    else failed++
    this.onAnswer(this)
  }

  destroy(): void {
    this.socket.destroy()
  }
}

let stopped = false

const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`)

const report = (seconds: number): Report => ({
  requests: ok + shed + failed,
  seconds,
  ok,
  timely,
  shed,
  failed,
  unsent,
  p50: latencies.quantile(0.5),
  p99: latencies.quantile(0.99),
  p999: latencies.quantile(0.999),
  octets
})

/** As fast as the answers come. */
const closedLoop = (): void => {
  const from = now()
  const until = from + order.seconds * 1e6
  const clients = Array.from(
    { length: order.connections },
    () =>
      new Client((client) => {
        const at = now()
        if (at < until) client.send(at)
        else if (!stopped) {
          stopped = true
          say(report((at - from) / 1e6))
          for (const one of clients) one.destroy()
        }
      })
  )
}

/** By the clock: `rate` requests a second, due at even distances. */
const openLoop = (rate: number): void => {
  const idle: Array<Client> = []
  const clients = Array.from({ length: order.connections }, () => new Client((client) => idle.push(client)))
  const patience = (order.patience ?? 5_000) * 1000
  let due = 0
  let sent = 0
  // Time for the connections to open.
  const from = now() + 500_000
  const until = from + order.seconds * 1e6
  end = until
  const tick = () => {
    const at = now()
    due = Math.floor((Math.min(at, until) - from) * (rate / 1e6))
    while (sent < due) {
      const dueAt = from + (sent * 1e6) / rate
      const client = idle.pop()
      if (client === undefined) {
        // Nobody could send it in time: it counts as a request that was not answered.
        if (at - dueAt < patience) break
        failed++
        unsent++
        sent++
        continue
      }
      if (!client.open || client.busy) continue
      client.send(dueAt)
      sent++
    }
    if (at < until + patience && (at < until || sent < due || clients.some((client) => client.busy))) {
      if (at > until) for (const client of clients) client.expire(at - patience)
      setImmediate(tick)
      return
    }
    stopped = true
    failed += clients.filter((client) => client.busy).length + (due - sent)
    say(report(order.seconds))
    for (const one of clients) one.destroy()
  }
  setTimeout(tick, 500)
}

/** One request at a time, each to its end. */
const transfer = (): void => closedLoop()

/** Opens connections, has a request answered on each, and then lets them be until it is ended. */
const idle = (): void => {
  let opened = 0
  let answered = 0
  const asked = new Set<Client>()
  const next = () => {
    if (opened >= order.connections) return
    opened++
    new Client((client) => {
      if (!asked.has(client)) {
        asked.add(client)
        client.send(now())
        return
      }
      answered++
      if (answered === order.connections) say({ idle: answered })
      next()
    })
  }
  for (let i = 0; i < 64; i++) next()
}

switch (order.kind) {
  case "idle":
    idle()
    break
  case "transfer":
    transfer()
    break
  case "requests":
    if (order.rate === undefined) closedLoop()
    else openLoop(order.rate)
}
