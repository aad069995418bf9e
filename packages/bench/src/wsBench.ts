/**
 * `npm run bench:ws -- [--rounds N] [--seconds N] [--transport net|poll] [--only "part of a name"]`: what WebSockets cost
 * on nvo and on `ws` over node:http, interleaved round by round in one run: CPU time of an echo of 64 octets and of 16 KiB
 * over 64 sockets, CPU time of a broadcast to 5,000 sockets, and memory in use for an idle socket. Beside them a bare
 * `node:net` server that knows of no protocol: what is left of the ratio for who uses it. Absolute figures drift with the
 * machine; the ratios are what counts.
 *
 * The server runs on one core, the clients on another. CPU time is that of all threads of the server process, from
 * the scheduler (/proc), so it needs Linux.
 */
import { spawn } from "node:child_process"
import { connect, type Socket } from "node:net"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { FrameEncoder } from "@nvo/protocol"
import { Console, Effect, type Scope } from "effect"
import { Command, Flag } from "effect/cli"
import { coreTime } from "./measure/Machine.ts"

const servers = ["nvo", "ws", "bare"] as const
type Server = (typeof servers)[number]

interface Running {
  readonly server: Server
  readonly port: number
  readonly pid: number
}

const script = new URL("./wsServers.ts", import.meta.url).pathname

const start = (
  server: Server,
  transport: string,
  deflate: string
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn("taskset", ["-c", "0", process.execPath, "--expose-gc", script, server, transport, deflate], {
          stdio: ["ignore", "pipe", "inherit"]
        })
      ),
      (child) => Effect.sync(() => void child.kill())
    )
    const port = yield* Effect.callback<number>((resume) => {
      child.stdout.on("data", (chunk: Buffer) => {
        const found = /port (\d+)/.exec(chunk.toString())
        if (found !== null) resume(Effect.succeed(Number(found[1])))
      })
    })
    // taskset becomes the server, so the process is the child itself.
    return { server, port, pid: child.pid ?? 0 }
  })

/** One socket after its handshake; `onOctets` is told how many came. */
const open = (
  port: number,
  path: string,
  onOctets: (count: number, octets: Buffer) => void,
  fields = ""
): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true })
    let head = ""
    socket.on("error", reject)
    socket.on("data", (chunk: Buffer) => {
      if (head.endsWith("\r\n\r\n")) return onOctets(chunk.length, chunk)
      head += chunk.toString("latin1")
      if (head.endsWith("\r\n\r\n")) resolve(socket)
    })
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
        `${fields}\r\n`
    )
  })

const openAll = async (
  port: number,
  path: string,
  count: number,
  onOctets: (index: number, count: number) => void,
  fields = ""
): Promise<ReadonlyArray<Socket>> => {
  const sockets: Array<Socket> = []
  while (sockets.length < count) {
    const from = sockets.length
    const batch = Array.from({ length: Math.min(100, count - from) }, (_, i) =>
      open(port, path, (octets) => onOctets(from + i, octets), fields)
    )
    sockets.push(...(await Promise.all(batch)))
  }
  return sockets
}

const sleep = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** Microseconds of CPU for a message that is echoed, over 64 sockets that each have `window` of them on their way. */
const echo = (length: number, text: boolean, window: number) => async (running: Running, seconds: number) => {
  const payload = new Uint8Array(length).fill(0x61)
  const message = FrameEncoder.encodeBytes({ opcode: text ? "Text" : "Binary", payload }, 0x12345678)
  const expected = length + (length < 126 ? 2 : 4)
  let messages = 0
  let stopped = false
  const came = new Array<number>(64).fill(0)
  const sockets = await openAll(running.port, "/echo", 64, (index, octets) => {
    came[index] += octets
    const count = Math.floor(came[index] / expected)
    if (count === 0) return
    came[index] -= count * expected
    messages += count
    if (!stopped) sockets[index].write(count === 1 ? message : Buffer.concat(new Array(count).fill(message)))
  })
  for (const socket of sockets) socket.write(Buffer.concat(Array.from({ length: window }, () => message)))
  await sleep(300)
  const [cpu, count] = [coreTime(running.pid), messages]
  await sleep(seconds * 1_000)
  const result = (coreTime(running.pid) - cpu) / (messages - count)
  stopped = true
  await sleep(100)
  for (const socket of sockets) socket.destroy()
  return result
}

// What a client offers that keeps no window: both servers then compress each message by itself.
const OFFER =
  "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"

/** Microseconds of CPU for a message to one of many subscribers, which is compressed where `offer` asks for it. */
const broadcast =
  (subscribers: number, text: string, offer = "") =>
  async (running: Running, seconds: number) => {
    let octets = 0
    const count = (_: number, came: number) => {
      octets += came
    }
    const message = FrameEncoder.encodeBytes({ opcode: "Text", payload: Buffer.from(text) }, 0x12345678)
    const publisher = await open(running.port, "/publish", () => {})
    // How long a frame is: what the first subscriber is sent.
    const [first] = await openAll(running.port, "/topic", 1, count, offer)
    publisher.write(message)
    do await sleep(100)
    while (octets === 0)
    const frame = octets
    const rest = await openAll(running.port, "/topic", subscribers - 1, count, offer)
    const publish = async () => {
      const until = octets + subscribers * frame
      publisher.write(message)
      while (octets < until) await sleep(1)
    }
    for (let i = 0; i < 3; i++) await publish()
    const cpu = coreTime(running.pid)
    let rounds = 0
    for (const end = Date.now() + seconds * 1_000; Date.now() < end; rounds++) await publish()
    const result = (coreTime(running.pid) - cpu) / (rounds * subscribers)
    for (const socket of [first, ...rest, publisher]) socket.destroy()
    await sleep(500)
    return result
  }

// 2 KiB of JSON, as a chat or a ticker sends it.
const JSON_TEXT = JSON.stringify(
  Array.from({ length: 24 }, (_, i) => ({
    id: i * 7_919,
    user: `user-${i * 31}`,
    text: "price",
    value: i * 1.37 + 20
  }))
)

/** KiB of memory in use for an idle socket, after a collection of garbage. */
const idle = (count: number) => async (running: Running) => {
  let answer = ""
  const collector = await open(running.port, "/collect", (_, octets) => {
    // A short text behind a header of two octets.
    answer = octets.subarray(2).toString()
  })
  const collect = async () => {
    answer = ""
    await sleep(300)
    collector.write(FrameEncoder.encodeBytes({ opcode: "Text", payload: Buffer.from("a") }, 1))
    while (answer === "") await sleep(10)
    return Number(answer)
  }
  const warm = await openAll(running.port, "/echo", 200, () => {})
  for (const socket of warm) socket.destroy()
  await collect()
  const before = await collect()
  const sockets = await openAll(running.port, "/echo", count, () => {})
  const after = await collect()
  for (const socket of [...sockets, collector]) socket.destroy()
  await sleep(1_000)
  return (after - before) / count / 1_024
}

const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

const loads = {
  "echo, text of 64 octets (µs)": echo(64, true, 1),
  "echo, binary of 64 octets (µs)": echo(64, false, 1),
  "echo, text of 64 octets, 16 at once (µs)": echo(64, true, 16),
  "echo, binary of 64 octets, 16 at once (µs)": echo(64, false, 16),
  "echo, text of 16 KiB (µs)": echo(16_384, true, 1),
  "echo, binary of 16 KiB (µs)": echo(16_384, false, 1),
  "broadcast to 5,000 (µs for each)": broadcast(5_000, "a".repeat(64)),
  "broadcast to 200, compressed (µs for each)": broadcast(200, JSON_TEXT, OFFER),
  "idle socket (KiB)": idle(5_000)
}

const bench = Command.make(
  "wsBench",
  {
    rounds: Flag.Int("rounds").pipe(Flag.withDefault(5)),
    seconds: Flag.Int("seconds").pipe(Flag.withDefault(1)),
    transport: Flag.Literals("transport", ["net", "poll"]).pipe(Flag.withDefault("net")),
    only: Flag.String("only").pipe(Flag.withDefault(""))
  },
  Effect.fnUntraced(function* ({ only, rounds, seconds, transport }) {
    for (const [name, load] of Object.entries(loads).filter(([name]) => name.includes(only))) {
      const results: Record<Server, Array<number>> = { nvo: [], ws: [], bare: [] }
      // A bare server compresses nothing.
      const deflates = name.includes("compressed")
      const measured = servers.filter((server) => !(deflates && server === "bare"))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const running = yield* Effect.forEach(measured, (server) =>
            start(server, transport, deflates ? "deflate" : "plain")
          )
          // The first load of each warms it up; memory is asked of a server that has done nothing.
          const warm = !name.startsWith("idle")
          if (warm) for (const one of running) yield* Effect.promise(() => load(one, 1))
          for (let round = 0; round < (warm ? rounds : 1); round++) {
            for (const one of round % 2 === 0 ? running : running.toReversed()) {
              results[one.server].push(yield* Effect.promise(() => load(one, seconds)))
            }
          }
        })
      )
      const toWs = (server: Server) =>
        median(results[server].map((value, round) => value / results.ws[round]))
      const figures = measured.map((server) => `${server} ${median(results[server]).toFixed(2)}`)
      const ratios = measured
        .filter((server) => server !== "ws")
        .map((server) => `${server}/ws ${toWs(server).toFixed(2)}`)
      yield* Console.log([name.padEnd(44), ...figures, ...ratios].join("  "))
    }
  })
).pipe(Command.withDescription("Measures what WebSockets cost on nvo and on ws"))

Command.run(bench, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
