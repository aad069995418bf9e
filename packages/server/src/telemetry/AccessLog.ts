/**
 * The access log: one line through Effect's Logger for each request, or for a share of them.
 *
 * What is known of a request stands in the annotations, under OpenTelemetry's names. A query, a field's value and
 * whatever else may be secret are not logged.
 */
import { type ConnectionId, Redaction } from "@nvo/protocol"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import * as AccessLine from "./AccessLine.ts"
import type { Observation } from "./Observation.ts"

// How much of a target or a user agent a line has. Longer ones say nothing more to a reader; chosen by feel.
const MAX_TEXT = 256

const cut = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text)

// Most targets are a short path, of which nothing has to be hidden.
const targetOf = (text: string): string =>
  text.length <= MAX_TEXT && text.charCodeAt(0) === 0x2f && !text.includes("?") && !text.includes("#")
    ? text
    : cut(Redaction.target(text))

/** Why a message was refused. */
export interface Refused {
  readonly connectionId: ConnectionId.ConnectionId
  readonly requestIndex: number
  readonly reason: { readonly _tag: string }
}

type Annotations = Record<string, unknown>

// What a logger that writes lines by itself can write as well: not redacted, structured, or in the place of another.
const isPlain = (base: Annotations): boolean =>
  Object.entries(base).every(
    ([name, value]) =>
      !reserved.test(name) &&
      (typeof value === "string" || (typeof value === "number" && Number.isFinite(value)))
  )

const reserved = /^(nvo|http|url|network|error|user_agent)\.|^(trace|span)_id$/

/** See the module. */
export class AccessLog {
  private readonly loggers: ReadonlySet<Logger.Logger<unknown, unknown>>
  /** Of the loggers, those that write lines by themselves. */
  private readonly writes: ReadonlyArray<AccessLine.Write>
  /** Those that are given entries. */
  private readonly others: ReadonlyArray<Logger.Logger<unknown, unknown>>
  /** Whether an entry is looked at only where there is a span. */
  private readonly onlyTraced: boolean
  private readonly base: Annotations
  private readonly clock: Clock.Clock
  private readonly rate: number
  private seen = 0
  // When the clock of the lines was last read, as a time of the wheel, and what it said.
  private readAt = Number.NEGATIVE_INFINITY
  private time = 0

  constructor(context: Context.Context<never>, rate: number) {
    this.loggers = Context.get(context, References.CurrentLoggers)
    this.base = Context.get(context, References.CurrentLogAnnotations)
    const all = [...this.loggers]
    const takesLines = isPlain(this.base)
    this.writes = takesLines ? all.flatMap((logger) => AccessLine.writeOf(logger) ?? []) : []
    this.others = takesLines ? all.filter((logger) => AccessLine.writeOf(logger) === undefined) : all
    this.onlyTraced = this.others.every((logger) => logger === Logger.tracerLogger)
    this.clock = Context.get(context, Clock.Clock)
    this.rate = LogLevel.isGreaterThan(Context.get(context, References.MinimumLogLevel), "Info") ? 0 : rate
  }

  /** Whether the next request is logged. Evenly, and without randomness: of n, n times the rate. */
  sample(): boolean {
    const before = Math.floor(this.seen * this.rate)
    this.seen++
    return Math.floor(this.seen * this.rate) > before
  }

  // The time of a line that ends at a time of the wheel, in whole milliseconds: the clock is read once in one, 0.1 µs less.
  private timeOf(at: number): number {
    if (at - this.readAt >= 1) {
      this.readAt = at
      this.time = this.clock.currentTimeMillisUnsafe()
    }
    return this.time
  }

  /** The line of an exchange that has ended. */
  exchange(observation: Observation, seconds: number, fiber: Fiber.Fiber<unknown, unknown>): void {
    const { exchange, respondedAt, span, startedAt } = observation
    const agent = exchange.fields.get("user-agent")
    const line: AccessLine.AccessLine = {
      connectionId: exchange.connectionId,
      requestId: exchange.requestId,
      method: exchange.method,
      target: targetOf(exchange.rawTarget),
      version: exchange.version,
      status: exchange.status,
      responseBytes: exchange.responseBytes,
      duration: Math.round(seconds * 1e6),
      base: this.base,
      requestBytes: exchange.requestBytes,
      route: observation.route,
      peerAddress: exchange.peerAddress,
      delay: respondedAt === undefined ? undefined : Math.round((respondedAt - startedAt) * 1e3),
      errorType: observation.errorType,
      userAgent: agent === undefined ? undefined : cut(agent),
      traceId: span?.traceId,
      spanId: span?.spanId,
      time: this.timeOf(startedAt + seconds * 1e3),
      fiberId: fiber.id
    }
    for (const write of this.writes) write(line)
    if (this.onlyTraced && span === undefined && fiber.cache.span === undefined) return
    this.write(this.others, AccessLine.message(line), AccessLine.annotations(line), line.time, span, fiber)
  }

  /** The line of a message that was refused before it was a request. */
  refusal(
    error: Refused,
    status: number,
    peerAddress: string | undefined,
    fiber: Fiber.Fiber<unknown, unknown>
  ): void {
    const annotations: Annotations = {
      ...this.base,
      "nvo.connection.id": error.connectionId,
      "nvo.request.index": error.requestIndex,
      "http.response.status_code": status,
      "error.type": error.reason._tag
    }
    if (peerAddress !== undefined) annotations["network.peer.address"] = peerAddress
    const now = this.clock.currentTimeMillisUnsafe()
    this.write(this.loggers, `- - ${status === 0 ? "-" : status}`, annotations, now, undefined, fiber)
  }

  // What `Effect.log` does, without an effect: 1 µs less for a line. Loggers look at the fiber's context.
  private write(
    loggers: Iterable<Logger.Logger<unknown, unknown>>,
    message: string,
    annotations: Annotations,
    time: number,
    span: Tracer.Span | undefined,
    fiber: Fiber.Fiber<unknown, unknown>
  ): void {
    const before = fiber.context
    const annotated = Context.add(before, References.CurrentLogAnnotations, annotations)
    fiber.setContext(span === undefined ? annotated : Context.add(annotated, Tracer.ParentSpan, span))
    const options = {
      message: [message],
      logLevel: "Info" as const,
      cause: Cause.empty,
      fiber,
      date: new Date(time)
    }
    for (const logger of loggers) logger.log(options)
    fiber.setContext(before)
  }
}
