/**
 * `npm run bench micro`: the decoder and the encoder alone, in one process, beside Node's own parser (llhttp) as
 * Node's HTTP server uses it. No socket, so no kernel: what remains is what nvo itself does for a request.
 */
import { ConnectionId, RequestDecoder, ResponseEncoder } from "@nvo/protocol"
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { Bench } from "tinybench"
import { loads, requestText } from "./Loads.ts"
import { estimate, median, ratios } from "./Stats.ts"

const text = (id: string): string => {
  const load = loads.find((one) => one.id === id)
  return load === undefined ? "" : requestText(load)
}

const bytesOf = (of: string): Uint8Array => new Uint8Array(Buffer.from(of, "latin1"))

/** The requests that are decoded; `count` of them in one chunk. */
const inputs = [
  { name: "a short request", count: 1, bytes: bytesOf(text("hello-64")) },
  { name: "a browser's request", count: 1, bytes: bytesOf(text("browser")) },
  { name: "a browser's request, 16 at once", count: 16, bytes: bytesOf(text("browser").repeat(16)) },
  { name: "POST with 1 KB of JSON", count: 1, bytes: bytesOf(text("json-post")) }
]

// What a server takes from a request: the method and the target. The rest is cut out when it is asked for. Node's parser
// hands over every name and value, so beside it stands the decoder with every field read.
let sink = 0

const decoder = RequestDecoder.make()

const decode =
  (bytes: Uint8Array, everyField: boolean): (() => void) =>
  () => {
    let state = RequestDecoder.initial
    let rest = bytes
    do {
      const step = RequestDecoder.step(decoder, state, rest)
      state = step.state
      rest = step.rest
      for (const event of step.events) {
        if (event._tag === "RequestHead") {
          sink += event.method.length + event.rawTarget.length
          if (!everyField) continue
          const { fields } = event
          for (let i = 0; i < fields.size; i++) sink += fields.name(i).length + fields.value(i).length
        } else if (event._tag === "BodyData") sink += event.bytes.length
      }
    } while (rest.length > 0)
  }

interface NodeParser {
  readonly initialize: (type: number, resource: object) => void
  readonly execute: (bytes: Uint8Array) => number | Error
  [callback: number]: (...args: ReadonlyArray<unknown>) => unknown
}

interface NodeParserClass {
  new (): NodeParser
  readonly REQUEST: number
  readonly kOnHeadersComplete: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
}

// Not documented, but what node:http itself is built on; there is no other way to llhttp from JavaScript.
const nodeParserClass = (): NodeParserClass | undefined => {
  const common: unknown = process.getBuiltinModule("_http_common")
  return (common as { readonly HTTPParser?: NodeParserClass } | undefined)?.HTTPParser
}

// The callbacks get what node:http's get: an array of all names and values, and the body in pieces.
const nodeDecode = (parserClass: NodeParserClass, bytes: Uint8Array): (() => void) => {
  const parser = new parserClass()
  parser.initialize(parserClass.REQUEST, {})
  parser[parserClass.kOnHeadersComplete] = (_major, _minor, fields, method, url) => {
    sink += (fields as ReadonlyArray<string>).length + Number(method) + (url as string).length
    return 0
  }
  parser[parserClass.kOnBody] = (body) => {
    sink += (body as Uint8Array).length
  }
  parser[parserClass.kOnMessageComplete] = () => {
    sink++
  }
  const buffer = Buffer.from(bytes)
  return () => {
    const read = parser.execute(buffer)
    if (read !== buffer.length) throw read
  }
}

const exchange: ResponseEncoder.Exchange = {
  ...ResponseEncoder.unknownExchange(ConnectionId.none, 1),
  persistent: true
}

const encode = (fields: Readonly<Record<string, string>>, bodyLength: number): (() => void) => {
  const date = "Sun, 06 Nov 1994 08:49:37 GMT"
  return () => {
    const head = ResponseEncoder.encodeHead(
      exchange,
      { _tag: "ResponseHead", status: 200, fields, bodyLength },
      date
    )
    if (head._tag === "EncodedHead") sink += head.text.length
  }
}

const responses = [
  {
    name: "a head with two fields",
    fields: { "content-type": "text/plain", "content-length": "13" },
    length: 13
  },
  {
    name: "a head with ten fields",
    fields: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "private, max-age=0, must-revalidate",
      etag: '"9f86d081884c7d659a2feaa0c55ad015"',
      vary: "Accept-Encoding, Cookie",
      "strict-transport-security": "max-age=63072000; includeSubDomains",
      "content-security-policy": "default-src 'self'; img-src 'self' data:; object-src 'none'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "strict-origin-when-cross-origin",
      "x-request-id": "0f8fad5b-d9cb-469f-a165-70867728950e",
      "content-length": "4096"
    },
    length: 4096
  }
]

interface Task {
  readonly name: string
  /** The task that does the same with Node's parser. */
  readonly beside?: string | undefined
  readonly count: number
  readonly octets: number
  readonly run: () => void
}

/** Every task: what it does, how many messages and octets in one go. */
export const tasks = (): ReadonlyArray<Task> => {
  const node = nodeParserClass()
  return [
    ...inputs.flatMap(({ bytes, count, name }): ReadonlyArray<Task> => {
      const beside = `${name}: llhttp in Node`
      const shared = { count, octets: bytes.length }
      return [
        { ...shared, beside, name: `${name}: nvo`, run: decode(bytes, false) },
        { ...shared, beside, name: `${name}: nvo, every field read`, run: decode(bytes, true) },
        ...(node === undefined ? [] : [{ ...shared, name: beside, run: nodeDecode(node, bytes) }])
      ]
    }),
    ...responses.map(({ fields, length, name }) => ({
      name: `${name}: nvo's encoder`,
      count: 1,
      octets: Object.entries(fields).reduce((sum, [name, value]) => sum + name.length + value.length + 4, 60),
      run: encode(fields, length)
    }))
  ]
}

// Many in one go: a clock that is read for each would cost more than what it measures.
const TIMES = 64

/** Messages per second of each task in one round. */
const round = Effect.fnUntraced(function* (all: ReadonlyArray<Task>, milliseconds: number) {
  const bench = new Bench({ time: milliseconds, warmupTime: milliseconds / 2 })
  for (const { name, run } of all) {
    bench.add(name, () => {
      for (let i = 0; i < TIMES; i++) run()
    })
  }
  yield* Effect.promise(() => bench.run())
  return bench.tasks.map(({ result }, index) =>
    "throughput" in result ? result.throughput.p50 * TIMES * all[index].count : Number.NaN
  )
})

export const command = Command.make(
  "micro",
  {
    milliseconds: Flag.Int("milliseconds").pipe(
      Flag.withDescription("Time for each task in a round"),
      Flag.withDefault(300)
    ),
    rounds: Flag.Int("rounds").pipe(
      Flag.withDescription("Rounds over all tasks, one after the other"),
      Flag.withDefault(5)
    )
  },
  Effect.fnUntraced(function* ({ milliseconds, rounds }) {
    const all = tasks()
    const measured: Array<ReadonlyArray<number>> = []
    for (let count = 0; count < rounds; count++) measured.push(yield* round(all, milliseconds))
    const of = (index: number) => measured.map((values) => values[index])
    for (const [index, { beside, count, name, octets }] of all.entries()) {
      const perSecond = median(of(index))
      const peer = all.findIndex((task) => task.name === beside)
      const ratio = peer === -1 ? undefined : estimate(ratios(of(index), of(peer)))
      yield* Console.log(
        [
          name.padEnd(52),
          `${Math.round(perSecond).toLocaleString("en-GB").padStart(11)} messages/s`,
          `${((perSecond / count) * octets * 1e-6).toFixed(0).padStart(5)} MB/s`,
          ...(ratio === undefined
            ? []
            : [`${ratio.median.toFixed(2)} ± ${ratio.error.toFixed(2)} of llhttp in Node`])
        ].join("  ")
      )
    }
    yield* Console.log(`(${sink % 10})`)
  })
).pipe(Command.withDescription("Measures decoder and encoder alone, beside Node's parser"))
