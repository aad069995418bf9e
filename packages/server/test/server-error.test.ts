/** Every reason of every error: what answers it, who caused it, and that it reaches channel, metric and log. */

import { assert, describe, it } from "@effect/vitest"
import { ConnectionId, Http1Error } from "@nvo/protocol"
import { Cause, Effect, Logger, Metric, References, Stream } from "effect"
import * as ApplicationError from "../src/ApplicationError.ts"
import * as DeadlineError from "../src/DeadlineError.ts"
import * as OverloadError from "../src/OverloadError.ts"
import * as ServerError from "../src/ServerError.ts"
import { ServerErrors } from "../src/ServerErrors.ts"
import * as TransportError from "../src/TransportError.ts"

/** What answers each reason, written out: 0 closes without a response. */
const answers: Record<number, string> = {
  400: `InvalidMethod TooManyEmptyLines InvalidTarget TargetFormMismatch MissingVersion InvalidVersion
    BareCarriageReturn BareLineFeed NulByte InvalidFieldName EmptyFieldName MissingColon SpaceBeforeColon
    LeadingSpace ObsoleteFolding InvalidFieldValue MissingHost DuplicateHost InvalidHost InvalidContentLength
    DuplicateContentLength ContentLengthWithTransferEncoding InvalidTransferEncoding TransferCodingNotFinal
    TransferEncodingInHttp10 InvalidChunkSize ChunkSizeTooLong InvalidChunkExtension ChunkExtensionsTooLarge
    MissingChunkTerminator BareLineEndInChunk ForbiddenTrailer`,
  408: "HeadTimeout BodyTimeout",
  413: "ContentLengthOverflow ChunkSizeOverflow",
  414: "RequestLineTooLong",
  417: "UnknownExpectation",
  431: "HeadTooLarge TooManyFields TrailersTooLarge",
  500: `InvalidStatus InvalidInterimStatus InvalidReasonPhrase InvalidResponseFieldName InvalidResponseFieldValue
    InvalidResponseLength ResponseLengthMismatch ResponseTooLong ResponseTooShort ForbiddenResponseTrailer
    ResponseOutOfOrder HandlerFailed`,
  501: "MethodTooLong UnknownTransferCoding ConnectWithoutTunnel",
  503: "HandlerTimeout ConnectionRefused LoopDelayed QueueFull QueueTimeout",
  505: "UnsupportedVersion",
  0: `IncompleteMessage ListenFailed AcceptFailed TlsHandshakeFailed ConnectionReset WriteFailed ConnectionClosed
    ResponseBodyFailed ClientAborted EngineDefect WriteTimeout DrainTimeout ConnectionEvicted`
}

const expected = new Map(
  Object.entries(answers).flatMap(([status, names]) =>
    names.split(/\s+/).map((name) => [name, Number(status)] as const)
  )
)

const connectionId = ConnectionId.make(42)

const transportReasons: { [Tag in TransportError.TransportErrorReason["_tag"]]: object } = {
  ListenFailed: { cause: new Error("EADDRINUSE") },
  AcceptFailed: { cause: "EMFILE" },
  TlsHandshakeFailed: { cause: undefined },
  ConnectionReset: { cause: new Error("ECONNRESET") },
  WriteFailed: { cause: new Error("EPIPE") },
  ConnectionClosed: {}
}

const cause = Cause.die(new Error("a bug"))

const applicationReasons: { [Tag in ApplicationError.ApplicationErrorReason["_tag"]]: object } = {
  HandlerFailed: { cause },
  ResponseBodyFailed: { cause },
  ClientAborted: {},
  EngineDefect: { cause }
}

const deadlineReasons = Object.keys(DeadlineError.reasons) as ReadonlyArray<
  DeadlineError.DeadlineErrorReason["_tag"]
>

const overloadReasons = Object.keys(OverloadError.reasons) as ReadonlyArray<
  OverloadError.OverloadErrorReason["_tag"]
>

/** An error of each reason, as the engine makes them. */
const errors: ReadonlyArray<ServerError.ServerError> = [
  ...Object.entries(transportReasons).map(([_tag, rest]) =>
    TransportError.make({ _tag, ...rest } as TransportError.TransportErrorReason, connectionId)
  ),
  ...(Object.keys(Http1Error.reasons) as ReadonlyArray<Http1Error.ReasonTag>).map((tag) =>
    Http1Error.make(tag, { connectionId, requestIndex: 3 })
  ),
  ...Object.entries(applicationReasons).map(([_tag, rest]) =>
    ApplicationError.make({
      connectionId,
      requestIndex: 3,
      phase: "Handling",
      reason: { _tag, ...rest } as ApplicationError.ApplicationErrorReason
    })
  ),
  ...deadlineReasons.map((_tag) =>
    DeadlineError.make({ connectionId, requestIndex: 3, phase: "Reading", reason: { _tag, after: 10_000 } })
  ),
  ...overloadReasons.map((_tag) => OverloadError.make({ _tag, limit: 100 }, connectionId))
]

/** The tables that own the reasons: what an error says of itself follows from them. */
const tables: Record<string, { readonly initiator: string }> = {
  ...TransportError.reasons,
  ...Http1Error.reasons,
  ...ApplicationError.reasons,
  ...DeadlineError.reasons,
  ...OverloadError.reasons
}

describe("ServerError", () => {
  it("has a status for every reason and no reason twice", () => {
    const names = errors.map(ServerError.reasonOf)
    assert.deepStrictEqual([...names].sort(), [...expected.keys()].sort())
    assert.deepStrictEqual([...names].sort(), Object.keys(tables).sort())
    assert.strictEqual(new Set(names).size, names.length)
  })

  for (const error of errors) {
    const reason = ServerError.reasonOf(error)
    it(`${reason}: ${expected.get(reason)}, by ${error.initiator}`, () => {
      assert.strictEqual(ServerError.statusOf(error), expected.get(reason))
      assert.strictEqual(error.initiator, tables[reason].initiator)
      assert.strictEqual(error.connectionId, connectionId)
      assert.include(error.message, "c42")
    })
  }

  it("names no connection where none is concerned", () => {
    const error = TransportError.make({ _tag: "ListenFailed", cause: new Error("EADDRINUSE") })
    assert.strictEqual(error.connectionId, ConnectionId.none)
    assert.strictEqual(error.message, "ListenFailed: EADDRINUSE")
  })
})

interface Line {
  readonly level: string
  readonly message: string
  readonly annotations: unknown
}

/** Captures what is logged, at every level. */
const capture = <A, E, R>(self: (lines: ReadonlyArray<Line>) => Effect.Effect<A, E, R>) => {
  const lines: Array<Line> = []
  const logger = Logger.make<unknown, void>(({ fiber, logLevel, message }) => {
    lines.push({
      level: logLevel,
      message: String(message),
      annotations: { ...fiber.getRef(References.CurrentLogAnnotations) }
    })
  })
  return self(lines).pipe(
    Effect.provide(Logger.layer([logger])),
    Effect.provideService(References.MinimumLogLevel, "All"),
    Effect.provideService(Metric.MetricRegistry, new Map())
  )
}

const counted = Effect.map(Metric.snapshot, (metrics) =>
  metrics.flatMap((metric) =>
    metric.id === "nvo.server.errors" && metric.type === "Counter"
      ? [[metric.attributes?.reason, metric.attributes?.initiator, Number(metric.state.count)] as const]
      : []
  )
)

// What peers do is no alarm, nor is what the server does on purpose.
const levelOf = (error: ServerError.ServerError): string => {
  if (error.initiator === "Peer" || error.reason._tag === "ConnectionClosed") return "Debug"
  if (error.reason._tag === "EngineDefect") return "Error"
  return error.initiator === "Application" ? "Error" : "Warn"
}

describe("ServerErrors", () => {
  for (const error of errors) {
    const reason = ServerError.reasonOf(error)
    it.effect(`tells of ${reason} in the channel, the metric and the log, with its connection`, () =>
      capture((lines) =>
        Effect.gen(function* () {
          const channel = yield* ServerErrors
          const stream = yield* channel.subscribe
          yield* channel.report(error)
          assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(stream, 1)), [error])
          assert.deepStrictEqual(yield* counted, [[reason, error.initiator, 1]])
          assert.deepStrictEqual(lines, [
            {
              level: levelOf(error),
              message: error.message,
              annotations: {
                "nvo.connection.id": connectionId,
                "nvo.error.reason": reason,
                "nvo.error.initiator": error.initiator
              }
            }
          ])
        })
      ).pipe(Effect.provide(ServerErrors.layer), Effect.scoped)
    )
  }

  it.effect("gives each subscriber everything from its subscription on", () =>
    capture(() =>
      Effect.gen(function* () {
        const channel = yield* ServerErrors
        yield* channel.report(errors[0])
        const first = yield* channel.subscribe
        yield* channel.report(errors[1])
        const second = yield* channel.subscribe
        yield* channel.report(errors[2])
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(first, 2)), [errors[1], errors[2]])
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(second, 1)), [errors[2]])
      })
    ).pipe(Effect.provide(ServerErrors.layer), Effect.scoped)
  )

  it.effect(
    "does not wait for a subscriber that does not read: it drops the oldest, and counts them all",
    () =>
      capture((lines) =>
        Effect.gen(function* () {
          const channel = yield* ServerErrors
          const stream = yield* channel.subscribe
          const [first] = errors
          const last = Http1Error.make("MissingHost", { connectionId: ConnectionId.make(1025) })
          yield* channel.report(first)
          for (let id = 2; id <= 1024; id++) {
            yield* channel.report(Http1Error.make("MissingHost", { connectionId: ConnectionId.make(id) }))
          }
          yield* channel.report(last)
          const kept = yield* Stream.runCollect(Stream.take(stream, 1024))
          assert.strictEqual(kept[0].connectionId, ConnectionId.make(2))
          assert.strictEqual(kept[1023], last)
          assert.strictEqual(lines.length, 1025)
          assert.strictEqual(
            (yield* counted).reduce((sum, [_, __, count]) => sum + count, 0),
            1025
          )
        })
      ).pipe(Effect.provide(ServerErrors.layer), Effect.scoped)
  )
})
