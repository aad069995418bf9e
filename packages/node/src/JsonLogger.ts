/**
 * A logger for servers: what `Logger.formatJson` writes, one line for each entry, many of them in one write.
 *
 * A write is a system call, which costs more than a small request does otherwise. Entries are written at the end of their
 * turn of the event loop; lines of the access log, of which there are many and nobody waits for one, within 10 ms, and
 * before any entry that came later. What is held back is written when the Scope closes, and when the process exits.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 * import * as JsonLogger from "@nvo/node/JsonLogger"
 * import * as NvoServer from "@nvo/node/NvoServer"
 *
 * const Hello = HttpRouter.add("GET", "/", HttpServerResponse.text("Hello, World!"))
 *
 * export const Main = HttpRouter.serve(Hello, { disableLogger: true }).pipe(
 *   Layer.provide(NvoServer.layer({ port: 3000, accessLogRate: 1 })),
 *   Layer.provide(JsonLogger.layer())
 * )
 * ```
 */
import type { Writable } from "node:stream"
import { AccessLine } from "@nvo/server"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"

/** Where lines go. Everything has a default. */
export interface Options {
  /** Default: the standard output of the process. */
  readonly stream?: Pick<Writable, "write" | "writableLength"> | undefined
  /**
   * Octets that may wait for whoever reads the stream. With more, lines are dropped and their number is written when
   * there is room again. Default: 16 MiB.
   */
  readonly bufferSize?: number | undefined
}

// Characters that are held back until the end of the turn at the most: about what a pipe takes at once.
const BATCH = 65_536

// Lines of the access log that are held back as values, for the same reason; some 350 octets each.
const LINES = 128

// Milliseconds for which lines of the access log are held back. At 50,000 of them in a second a write has 150; with one
// write in each turn of the loop it had 1 to 20 and cost up to 7 µs for a line.
const HOLD = 10

// What stands in JSON as it is.
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

const inQuotes = (text: string): string => `"${text}"`

const quote = (text: string): string => (plain.test(text) ? inQuotes(text) : JSON.stringify(text))

const keys = new Map<string, string>()
// Annotations are named by programs, not by data. The bound is there for those that are.
const MAX_KEYS = 1024

const keyOf = (name: string): string => {
  let key = keys.get(name)
  if (key === undefined) {
    key = `${JSON.stringify(name)}:`
    if (keys.size < MAX_KEYS) keys.set(name, key)
  }
  return key
}

// Annotations that are texts and numbers as JSON, 0.8 µs for twelve; `JSON.stringify` takes 1.2. `undefined` where
// there are others: they may be redacted, structured or not JSON at all.
const writeAnnotations = (annotations: Readonly<Record<string, unknown>>): string | undefined => {
  let written = ""
  for (const name in annotations) {
    const value = annotations[name]
    const separator = written === "" ? "" : ","
    if (typeof value === "string") written += separator + keyOf(name) + quote(value)
    else if (typeof value === "number" && Number.isFinite(value)) written += separator + keyOf(name) + value
    else return undefined
  }
  return written
}

// Gives the text that it gave last where it is asked for the same value again.
const onceInARow = <A>(write: (value: A) => string): ((value: A) => string) => {
  let last: A | undefined
  let written = ""
  return (value) => {
    if (value !== last) {
      written = write(value)
      last = value
    }
    return written
  }
}

// Entries of one millisecond share their timestamp: writing it takes 0.3 µs.
const timestampOf = onceInARow((time: number) => new Date(time).toISOString())

/**
 * An entry as one line of JSON: that of `Logger.formatJson`. What an entry usually consists of is written here, at
 * a third of the cost; whatever is more than texts and numbers is left to Effect.
 */
export const format: Logger.Logger<unknown, string> = Logger.make((options) => {
  const { cause, date, fiber, logLevel, message } = options
  const text = Array.isArray(message) && message.length === 1 ? message[0] : message
  if (
    typeof text !== "string" ||
    cause.reasons.length > 0 ||
    fiber.getRef(References.CurrentLogSpans).length > 0
  ) {
    return Logger.formatJson.log(options)
  }
  const annotations = writeAnnotations(fiber.getRef(References.CurrentLogAnnotations))
  if (annotations === undefined) return Logger.formatJson.log(options)
  return `{"message":${quote(text)},"level":"${logLevel.toUpperCase()}","timestamp":"${timestampOf(
    date.getTime()
  )}","annotations":{${annotations}},"spans":{},"fiberId":"#${fiber.id}"}`
})

const writeAgent = onceInARow(quote)

// Zeros behind the point of a number of seconds below one, by its microseconds.
const fraction = (micros: number): string =>
  micros >= 1e5
    ? "0."
    : micros >= 1e4
      ? "0.0"
      : micros >= 1e3
        ? "0.00"
        : micros >= 100
          ? "0.000"
          : micros >= 10
            ? "0.0000"
            : "0.00000"

// A number of microseconds in seconds. `String` takes 0.2 µs for a fraction.
const writeSeconds = (micros: number): string =>
  micros > 0 && micros < 1e6 ? fraction(micros) + micros : String(micros / 1e6)

// Requests often come in a row that are the same but for whose they are and how long they took. What they share is
// written once for all of them, in three parts: a line takes 0.1 µs in place of 0.2, and a third of the garbage.
interface Shared {
  readonly line: AccessLine.AccessLine
  /** Up to the number of the connection. */
  readonly start: string
  /** From the method to the duration. */
  readonly middle: string
  /** What stands between the times. */
  readonly rest: string
}

const writeBase = (base: AccessLine.AccessLine["base"]): string => {
  const written = writeAnnotations(base) ?? ""
  return written === "" ? "" : `,${written}`
}

const write = (line: AccessLine.AccessLine): Shared => {
  const { base, method, peerAddress, responseBytes, route, status, version } = line
  const text = AccessLine.message(line)
  const path = AccessLine.path(line)
  // The path is a part of the text.
  const inJson = plain.test(text) ? inQuotes : JSON.stringify
  return {
    line,
    start:
      `{"message":${inJson(text)},"level":"INFO","timestamp":"${timestampOf(line.time)}"` +
      `,"annotations":{"nvo.connection.id":`,
    middle:
      `","http.request.method":"${method}","url.path":${inJson(path)},"network.protocol.version":"${version}"` +
      `,"http.response.status_code":${status},"http.response.body.size":${responseBytes},"http.server.request.duration":`,
    rest:
      writeBase(base) +
      (line.requestBytes === undefined ? "" : `,"http.request.body.size":${line.requestBytes}`) +
      (route === undefined ? "" : `,"http.route":${quote(route)}`) +
      (peerAddress === undefined ? "" : `,"network.peer.address":${quote(peerAddress)}`)
  }
}

const isAlike = (a: AccessLine.AccessLine, b: AccessLine.AccessLine): boolean =>
  a.time === b.time &&
  a.status === b.status &&
  a.responseBytes === b.responseBytes &&
  a.requestBytes === b.requestBytes &&
  a.base === b.base &&
  a.method === b.method &&
  a.version === b.version &&
  a.target === b.target &&
  a.route === b.route &&
  a.peerAddress === b.peerAddress

let last: Shared | undefined

const sharedOf = (line: AccessLine.AccessLine): Shared => {
  if (last === undefined || !isAlike(last.line, line)) last = write(line)
  return last
}

/**
 * A line of the access log: what `format` writes of its entry, but for zeros at the end of its times. 0.3 µs, where the
 * entry and its formatting take 4.
 *
 * @internal
 */
export const formatLine = (line: AccessLine.AccessLine): string => {
  const { delay, errorType, spanId, traceId, userAgent } = line
  const { middle, rest, start } = sharedOf(line)
  return (
    `${start}${line.connectionId},"nvo.request.id":"${line.requestId}${middle}${writeSeconds(line.duration)}${rest}` +
    (delay === undefined ? "" : `,"nvo.response.delay":${writeSeconds(delay)}`) +
    (errorType === undefined ? "" : `,"error.type":${quote(errorType)}`) +
    (userAgent === undefined ? "" : `,"user_agent.original":${writeAgent(userAgent)}`) +
    (traceId === undefined ? "" : `,"trace_id":"${traceId}","span_id":"${spanId}"`) +
    `},"spans":{},"fiberId":"#${line.fiberId}"}`
  )
}

class Batches {
  private pending = ""
  /** Lines of the access log behind `pending`: written in one go, when their code is warm. */
  private lines: Array<AccessLine.AccessLine> = []
  private isScheduled = false
  private timer: NodeJS.Timeout | undefined
  private dropped = 0
  private readonly stream: Pick<Writable, "write" | "writableLength">
  private readonly bufferSize: number

  constructor({ bufferSize = 16_777_216, stream = process.stdout }: Options) {
    this.stream = stream
    this.bufferSize = bufferSize
    process.on("exit", this.flush)
  }

  add(text: string): void {
    if (this.isFull) {
      this.dropped++
      return
    }
    this.format()
    this.pending += `${text}\n`
    if (this.pending.length >= BATCH) this.flush()
    else if (!this.isScheduled) {
      this.isScheduled = true
      setImmediate(() => {
        this.isScheduled = false
        this.flush()
      })
    }
  }

  addLine(line: AccessLine.AccessLine): void {
    if (this.isFull) {
      this.dropped++
      return
    }
    this.lines.push(line)
    if (this.lines.length >= LINES) {
      this.format()
      if (this.pending.length >= BATCH) this.flush()
    }
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      this.flush()
    }, HOLD)
  }

  private get isFull(): boolean {
    return this.pending.length + this.stream.writableLength >= this.bufferSize
  }

  private format(): void {
    const { lines } = this
    if (lines.length === 0) return
    this.lines = []
    let text = ""
    for (let i = 0; i < lines.length; i++) text += `${formatLine(lines[i])}\n`
    this.pending += text
  }

  /** Writes what is held back. What comes all the same is written as before, but for the end of the process. */
  close(): void {
    process.off("exit", this.flush)
    clearTimeout(this.timer)
    this.timer = undefined
    this.flush()
  }

  private readonly flush = (): void => {
    this.format()
    const { dropped } = this
    if (dropped > 0 && this.stream.writableLength < this.bufferSize) {
      this.dropped = 0
      this.pending += `${JSON.stringify({ message: `${dropped} lines of the log were dropped`, level: "WARN" })}\n`
    }
    if (this.pending === "") return
    const { pending } = this
    this.pending = ""
    this.stream.write(pending)
  }
}

/** Makes the logger. What is held back is written when the Scope closes. */
export const make = (
  options: Options = {}
): Effect.Effect<Logger.Logger<unknown, void>, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Batches(options)),
      (batches) => Effect.sync(() => batches.close())
    ),
    (batches) =>
      AccessLine.writing(
        Logger.map(format, (line) => batches.add(line)),
        (line) => batches.addLine(line)
      )
  )

/** In place of the loggers that there were; entries still become events of the spans in which they are made. */
export const layer = (options: Options = {}): Layer.Layer<never> =>
  Logger.layer([make(options), Logger.tracerLogger])
