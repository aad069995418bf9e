/**
 * `npm run soak -- [--minutes N] [--rounds N] [--transport net|poll]`: good, broken and slow clients mixed, for ten
 * minutes; at the end of each round they leave, and heap (after a collection), resident memory and descriptors of the
 * server are looked at. Fails when one of them rises, or a client saw what it should not have seen. Linux, by /proc.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Clock, Console, Effect, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as Clients from "./measure/Clients.ts"
import * as Machine from "./measure/Machine.ts"
import { BenchError, type Running, start } from "./measure/Running.ts"
import { growth } from "./measure/Trend.ts"

const strained = {
  id: "nvo",
  title: "nvo",
  runtime: "node",
  args: ["--expose-gc", new URL("./strained.ts", import.meta.url).pathname]
} as const

/** Connections at once. */
const CONNECTIONS = 48

/** How much the middle of the last rounds may be above that of the first ones. Chosen by feel: code is still compiled. */
const HEAP_GROWTH = 1.1
const RSS_GROWTH = 1.25

interface Sample {
  readonly heap: number
  readonly rss: number
  readonly descriptors: number
}

const clients = Object.entries(Clients.all)

interface Tally {
  served: number
  readonly complaints: Array<string>
}

// Every worker goes through all clients, each from another one on.
const worker = (port: number, index: number, until: number, tally: Tally) =>
  Effect.gen(function* () {
    for (let turn = index; (yield* Clock.currentTimeMillis) < until; turn++) {
      const [name, client] = clients[turn % clients.length]
      const complaint = yield* client(port)
      tally.served++
      if (complaint !== undefined) tally.complaints.push(`${name}: ${complaint}`)
    }
  })

const Memory = Schema.Struct({ heapUsed: Schema.Number, rss: Schema.Number })

const memory = (port: number) =>
  Effect.tryPromise({
    try: async () =>
      (await fetch(`http://127.0.0.1:${port}/memory`, { headers: { connection: "close" } })).json(),
    catch: (cause) => new BenchError({ message: `memory: ${cause}` })
  }).pipe(Effect.flatMap(Schema.decodeUnknownEffect(Memory)))

// Until no more descriptors than these are open, or it has been given time enough.
const settled = Effect.fnUntraced(function* (pid: number, most: number) {
  for (let tries = 0; tries < 100 && Machine.descriptors(pid) > most; tries++)
    yield* Effect.sleep("100 millis")
  return Machine.descriptors(pid)
})

const round = Effect.fnUntraced(function* (
  { pid, port }: Running,
  millis: number,
  most: number,
  tally: Tally
) {
  const until = (yield* Clock.currentTimeMillis) + millis
  yield* Effect.forEach(
    Array.from({ length: CONNECTIONS }, (_, index) => index),
    (index) => worker(port, index, until, tally),
    { concurrency: "unbounded", discard: true }
  )
  const { heapUsed, rss } = yield* memory(port)
  const sample: Sample = { heap: heapUsed, rss, descriptors: yield* settled(pid, most) }
  yield* Console.log(
    `heap ${(sample.heap / 2 ** 20).toFixed(2)} MiB   resident ${(sample.rss / 2 ** 20).toFixed(1)} MiB   ` +
      `${sample.descriptors} descriptors   ${tally.served} clients so far`
  )
  return sample
})

const command = Command.make(
  "soak",
  {
    minutes: Flag.Finite("minutes").pipe(
      Flag.withDescription("Minutes of traffic"),
      Flag.withSchema(Schema.Number.check(Schema.isGreaterThan(0))),
      Flag.withDefault(10)
    ),
    rounds: Flag.Int("rounds").pipe(
      Flag.withDescription("Looks at the server, evenly over the time"),
      Flag.withSchema(Schema.Int.check(Schema.isGreaterThan(2))),
      Flag.withDefault(30)
    ),
    transport: Flag.Literals("transport", ["net", "poll"]).pipe(
      Flag.withDescription("How nvo reaches the sockets"),
      Flag.withDefault("net")
    )
  },
  Effect.fnUntraced(function* ({ minutes, rounds, transport }) {
    // Turning away is not what is looked at, and a busy machine would make it happen.
    const server = yield* start(strained, { env: { NVO_LOOP_DELAY: "0 millis", NVO_TRANSPORT: transport } })
    const tally: Tally = { served: 0, complaints: [] }
    const millis = (minutes * 60_000) / (rounds + 1)
    // What is compiled, cached and opened once comes to be in a round that does not count.
    const atRest = Machine.descriptors(server.pid)
    const { descriptors } = yield* round(server, millis, atRest, tally)
    const samples: Array<Sample> = []
    for (let index = 0; index < rounds; index++) {
      samples.push(yield* round(server, millis, descriptors, tally))
    }
    const heap = growth(samples.map((sample) => sample.heap))
    const rss = growth(samples.map((sample) => sample.rss))
    const left = samples[rounds - 1].descriptors - descriptors
    yield* Console.log(
      `last third over first: heap ${heap.toFixed(3)}, resident ${rss.toFixed(3)}; descriptors left over: ${left}`
    )
    const broken = [
      heap > HEAP_GROWTH ? "the heap grows" : "",
      rss > RSS_GROWTH ? "resident memory grows" : "",
      left > 0 ? "descriptors are left open" : "",
      ...new Set(tally.complaints)
    ].filter((text) => text !== "")
    if (broken.length > 0) return yield* new BenchError({ message: broken.slice(0, 10).join("\n") })
  }, Effect.scoped)
).pipe(Command.withDescription("Ten minutes of good, broken and slow clients, and what they leave behind"))

Command.run(command, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
