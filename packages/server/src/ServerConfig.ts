/**
 * The one configuration of the engine: every number that is a limit, with its unit, its default and what it
 * does. The reference page is generated from it, and it loads from the environment.
 *
 * An environment variable is `NVO_` and the name in capitals: `NVO_HEAD_BYTES=32768`,
 * `NVO_DRAIN_TIMEOUT="10 seconds"`.
 */
import { FloodGuard, Grammar, Http2Limits, Limits, WebSocketLimits } from "@nvo/protocol"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const positive = Schema.Int.check(Schema.isGreaterThan(0))
const natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

// An infinite wait is none, and time does not run backwards.
const duration = Schema.DurationFromString.check(
  Schema.makeFilter((value) => Duration.isFinite(value) && !Duration.isNegative(value), {
    expected: "a finite duration that is not negative"
  })
)

const fieldNameOrNothing = Schema.String.check(
  Schema.makeFilter((value) => value === "" || Grammar.isToken(value), {
    expected: "a field name, or nothing"
  })
)

const withDefault = <S extends Schema.Top>(
  schema: S,
  encoded: S["Encoded"],
  unit: string,
  description: string
): Schema.withDecodingDefaultKey<S> =>
  Schema.withDecodingDefaultKey<S>(Effect.succeed(encoded))(schema).annotateKey({
    description,
    documentation: unit
  }) as Schema.withDecodingDefaultKey<S>

// A budget of HTTP/2: its burst.
const budget = (name: FloodGuard.Name): Schema.withDecodingDefaultKey<typeof natural> => {
  const { attack, burst, counts } = FloodGuard.budgets[name]
  return withDefault(
    natural,
    burst,
    "in a burst",
    `HTTP/2: ${counts}. A tenth comes back each second. More: ENHANCE_YOUR_CALM. Against ${attack}.`
  )
}

/** The schema: names, defaults and descriptions. Durations are texts such as `"10 seconds"` when encoded. */
export const ServerConfig = Schema.Struct({
  requestLineBytes: withDefault(
    positive,
    Limits.defaults.requestLineBytes,
    "octets",
    "The longest request line, without its line end. Longer: 414."
  ),
  methodBytes: withDefault(
    positive,
    Limits.defaults.methodBytes,
    "octets",
    "The longest method. Longer: 501."
  ),
  headBytes: withDefault(
    positive,
    Limits.defaults.headBytes,
    "octets",
    "The largest request line and field section together, line ends included. Larger: 431."
  ),
  fieldCount: withDefault(
    positive,
    Limits.defaults.fieldCount,
    "field lines",
    "The most field lines of a head or of a trailer section. More: 431."
  ),
  emptyLines: withDefault(
    natural,
    Limits.defaults.emptyLines,
    "lines",
    "Empty lines that are skipped in front of a request line. More: 400."
  ),
  chunkSizeDigits: withDefault(
    positive,
    Limits.defaults.chunkSizeDigits,
    "digits",
    "The longest chunk size in hexadecimal digits. Longer: 400."
  ),
  chunkExtensionBytes: withDefault(
    natural,
    Limits.defaults.chunkExtensionBytes,
    "octets",
    "All chunk extensions of one message together. More: 400."
  ),
  trailerBytes: withDefault(
    positive,
    Limits.defaults.trailerBytes,
    "octets",
    "The largest trailer section, line ends included. Larger: 431."
  ),
  targetGrammar: withDefault(
    Schema.Literals(["rfc3986", "whatwg"]),
    Limits.defaults.targetGrammar,
    "`rfc3986` or `whatwg`",
    'Which octets a request target may hold: those of RFC 3986, or also `[ ] { } | \\ ^ "` and the backtick, which browsers leave unencoded in some places. Others: 400.'
  ),
  http2: withDefault(
    Schema.Boolean,
    true,
    "boolean",
    "Whether HTTP/2 is spoken: offered by ALPN, and taken without TLS from clients that begin with its preface. Its field sections are bounded by `headBytes` (32 octets count for each field besides) and `fieldCount`: 431."
  ),
  http2Streams: withDefault(
    positive,
    Http2Limits.defaults.concurrentStreams,
    "streams",
    "HTTP/2: the most requests of one connection at a time. One more: REFUSED_STREAM."
  ),
  http2FrameBytes: withDefault(
    Schema.Int.check(Schema.isBetween({ minimum: 16_384, maximum: 16_777_215 })),
    Http2Limits.defaults.frameBytes,
    "octets",
    "HTTP/2: the largest frame. Larger: FRAME_SIZE_ERROR."
  ),
  http2HeaderBlockBytes: withDefault(
    positive,
    Http2Limits.defaults.headerBlockBytes,
    "octets",
    "HTTP/2: the largest header block as it is sent. Larger: ENHANCE_YOUR_CALM."
  ),
  http2Continuations: withDefault(
    natural,
    Http2Limits.defaults.continuations,
    "frames",
    "HTTP/2: the most CONTINUATION frames of a header block. More: ENHANCE_YOUR_CALM. Against VU#421644 (CONTINUATION flood)."
  ),
  http2TableBytes: withDefault(
    natural,
    Http2Limits.defaults.headerTableBytes,
    "octets",
    "HTTP/2: the tables of header compression, one for each direction."
  ),
  http2StreamWindow: withDefault(
    positive,
    Http2Limits.defaults.streamWindowBytes,
    "octets",
    "HTTP/2: how much of a request body may come before the handler takes it."
  ),
  http2ConnectionWindow: withDefault(
    Schema.Int.check(Schema.isBetween({ minimum: 65_535, maximum: 2_147_483_647 })),
    Http2Limits.defaults.connectionWindowBytes,
    "octets",
    "HTTP/2: how much of all request bodies of a connection may come before handlers take it."
  ),
  http2QueueBytes: withDefault(
    positive,
    16_384,
    "octets",
    "HTTP/2: how much of a response may wait for the peer's windows and the socket before its stream is suspended: a frame of the usual size, so that there is always one to send. A stream holds this and one piece of its response at the most."
  ),
  http2ConnectProtocol: withDefault(
    Schema.Boolean,
    true,
    "boolean",
    "HTTP/2: whether extended CONNECT is offered (RFC 8441), and with it WebSocket over a stream."
  ),
  http2Resets: budget("resets"),
  http2ProvokedResets: budget("provokedResets"),
  http2Settings: budget("settings"),
  http2Pings: budget("pings"),
  http2EmptyFrames: budget("emptyFrames"),
  http2Priorities: budget("priorities"),
  http2TinyWindows: budget("tinyWindows"),
  http2WindowUpdates: budget("windowUpdates"),
  http2Refusals: budget("refusals"),
  http2Ignored: budget("ignored"),
  bufferedBodyBytes: withDefault(
    natural,
    1_048_576,
    "octets",
    "The largest body that `text`, `json`, `urlParamsBody` and `arrayBuffer` read where `MaxBodySize` is not set. Larger: 413. Streams are bounded by `MaxBodySize` only."
  ),
  drainBytes: withDefault(
    natural,
    65_536,
    "octets",
    "How much of a body that the application left unread is thrown away to keep the connection. With more left, it closes."
  ),
  headTimeout: withDefault(
    duration,
    "10 seconds",
    "duration",
    "How long a request's head may take from its first octet to its last. Longer: 408, or a silent close where not even the request line came."
  ),
  idleTimeout: withDefault(
    duration,
    "60 seconds",
    "duration",
    "How long a connection may stay without a request, before its first one and between two. Longer: it closes."
  ),
  tlsHandshakeTimeout: withDefault(
    duration,
    "10 seconds",
    "duration",
    "How long a TLS handshake may take. Longer: the connection is dropped."
  ),
  bodyTimeout: withDefault(
    duration,
    "10 seconds",
    "duration",
    "How long a request body may fall behind `bodyRate` while it is being read. Longer: 408. A handler that does not read costs its peer nothing."
  ),
  bodyRate: withDefault(
    natural,
    240,
    "octets a second",
    "The slowest rate of a request body. 0: any octet within `bodyTimeout` will do."
  ),
  writeTimeout: withDefault(
    duration,
    "30 seconds",
    "duration",
    "How long a peer may fall behind `writeRate` while a response waits for it. Longer: the connection is reset."
  ),
  writeRate: withDefault(
    natural,
    240,
    "octets a second",
    "The slowest rate at which a peer may take a response. 0: any octet within `writeTimeout` will do."
  ),
  handlerTimeout: withDefault(
    duration,
    "0 seconds",
    "duration",
    "How long a handler may take to give its response, where its route sets nothing else. Longer: it is interrupted, 503. 0: for ever."
  ),
  connectionAge: withDefault(
    duration,
    "0 seconds",
    "duration",
    "After how long a connection ends with the response that comes next. 0: never."
  ),
  requestsPerConnection: withDefault(
    natural,
    0,
    "requests",
    "The last request of a connection: it ends with the response. 0: there is none."
  ),
  lingerTimeout: withDefault(
    duration,
    "1 second",
    "duration",
    "How long a closing connection goes on reading, so that a reset does not take the response from the peer."
  ),
  drainDelay: withDefault(
    duration,
    "0 seconds",
    "duration",
    "How long a server that stops goes on serving while `/readyz` says that it is not ready, so that load balancers notice. Every response then ends its connection."
  ),
  drainTimeout: withDefault(
    duration,
    "30 seconds",
    "duration",
    "How long a server that stops waits for requests in flight before it cuts them."
  ),
  connectionCount: withDefault(
    natural,
    16_384,
    "connections",
    "The most open connections; never more than there are descriptors for, where the platform says how many those are (Linux). 0: as many as that."
  ),
  connectionPolicy: withDefault(
    Schema.Literals(["evict", "refuse"]),
    "evict",
    "`evict` or `refuse`",
    "What happens to a connection over `connectionCount`: the one that has been idle for longest is closed in its favour, or (as where none is idle) it is refused with 503."
  ),
  surplusCount: withDefault(
    natural,
    64,
    "connections",
    "How many connections over `connectionCount` are told so, and may ask for a health endpoint. Others are reset."
  ),
  inFlightCount: withDefault(
    natural,
    10_000,
    "requests",
    "The most requests that handlers are at work on. One more waits in the queue. 0: as many as come."
  ),
  queueCount: withDefault(
    natural,
    1_000,
    "requests",
    "The most requests that wait for one in flight to end. One more: 503."
  ),
  queueTimeout: withDefault(
    duration,
    "1 second",
    "duration",
    "How long a request may wait in the queue. Longer: 503."
  ),
  loopDelay: withDefault(
    duration,
    "500 millis",
    "duration",
    "How long a request may wait for its turn while the event loop is behind. Longer: 503. A request that is served waits for three times this at most. 0: for ever."
  ),
  retryAfter: withDefault(
    duration,
    "1 second",
    "duration",
    "What Retry-After says to those that are turned away, in whole seconds."
  ),
  acceptPause: withDefault(
    duration,
    "100 millis",
    "duration",
    "How long no connection is accepted after accepting one has failed, as when descriptors have run out."
  ),
  turnRequests: withDefault(
    positive,
    32,
    "requests",
    "How many pipelined requests of one connection are answered before the others have their turn."
  ),
  halfClose: withDefault(
    Schema.Boolean,
    false,
    "boolean",
    "Whether a peer that ends its side while a request is handled still gets its answer. Otherwise it has left, and the handler is interrupted."
  ),
  writeHighWaterMark: withDefault(
    positive,
    65_536,
    "octets",
    "How much may wait to be taken by the operating system before a response's stream is suspended."
  ),
  metrics: withDefault(
    Schema.Boolean,
    true,
    "boolean",
    "Whether requests, connections and the event loop are measured (OpenTelemetry's HTTP server metrics, in Effect's metric registry). Errors are always counted."
  ),
  accessLogRate: withDefault(
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
    0,
    "share, 0 to 1",
    "The share of requests that get a line in the log when they have ended: 0 is none, 1 is all, 0.01 every hundredth."
  ),
  requestIdHeader: withDefault(
    fieldNameOrNothing,
    "x-request-id",
    "field name",
    "The field in which a peer may say the identity of its request. Without it, or if it is no identity, one is made. Empty: one is always made."
  ),
  requestIdResponse: withDefault(
    Schema.Boolean,
    false,
    "boolean",
    "Whether the response says the identity of its request, in the same field (`x-request-id` where that is empty)."
  ),
  excerptLength: withDefault(
    natural,
    128,
    "characters",
    "How much of what a peer sent is logged with a message that was refused: the line in question, without what may be secret. 0 logs nothing of it."
  ),
  webSocketMessageBytes: withDefault(
    natural,
    WebSocketLimits.defaults.messageBytes,
    "octets",
    "The largest WebSocket message, after decompression. Larger: closed with 1009."
  ),
  webSocketFrameBytes: withDefault(
    natural,
    WebSocketLimits.defaults.frameBytes,
    "octets",
    "The largest payload of one WebSocket frame, as it is sent. Larger: closed with 1009."
  ),
  webSocketFragmentBytes: withDefault(
    positive,
    WebSocketLimits.defaults.fragmentBytes,
    "octets",
    "What a fragment of a WebSocket message counts at the least against `webSocketMessageBytes`, which is taken to be at least 1,024 times this. More: closed with 1008."
  ),
  webSocketMessageRate: withDefault(
    natural,
    0,
    "messages a second",
    "How many messages a WebSocket peer may send in a second; 0 is no limit. More: closed with 1008."
  ),
  webSocketControlRate: withDefault(
    natural,
    100,
    "frames a second",
    "How many Pings and Pongs a WebSocket peer may send in a second; 0 is no limit. More: closed with 1008."
  ),
  webSocketReadAhead: withDefault(
    positive,
    65_536,
    "octets",
    "How much may wait for the application of a WebSocket before its peer is no longer read."
  ),
  webSocketPingInterval: withDefault(
    duration,
    "30 seconds",
    "duration",
    "How long a WebSocket peer may be silent before it is sent a Ping; 0 sends none."
  ),
  webSocketPingTimeout: withDefault(
    duration,
    "20 seconds",
    "duration",
    "How long a WebSocket peer may stay silent after a Ping before it is cut off."
  ),
  webSocketCloseTimeout: withDefault(
    duration,
    "5 seconds",
    "duration",
    "How long a WebSocket peer may take to answer a Close frame before it is cut off."
  ),
  webSocketDeflate: withDefault(
    Schema.Boolean,
    false,
    "boolean",
    "Whether WebSocket messages are compressed (permessage-deflate) where the client offers it."
  ),
  webSocketDeflateTakeover: withDefault(
    Schema.Boolean,
    false,
    "boolean",
    "Whether compression remembers earlier messages of the same WebSocket. It gains most on small messages, and costs some 300 KiB for each socket."
  ),
  webSocketDeflateFrom: withDefault(
    natural,
    1_024,
    "octets",
    "The smallest WebSocket message that is compressed when it is sent."
  )
})

/** The configuration with every value known. */
export type ServerConfig = typeof ServerConfig.Type

/** What may be given in code: any of the values, durations in any form of Effect's. */
export type Input = {
  readonly [K in keyof ServerConfig]?:
    | (ServerConfig[K] extends Duration.Duration ? Duration.Input : ServerConfig[K])
    | undefined
}

/** The defaults. */
export const defaults: ServerConfig = Schema.decodeUnknownSync(ServerConfig)({})

const validate = Schema.decodeUnknownSync(Schema.toType(ServerConfig))

/**
 * The defaults with some of them replaced. Throws a `SchemaError` where a value is out of its range: that is a
 * mistake in the program.
 *
 * @example
 * ```ts
 * import * as ServerConfig from "@nvo/server/ServerConfig"
 *
 * ServerConfig.make({ headBytes: 32_768, drainTimeout: "5 seconds" }).headBytes // 32768
 * ```
 */
export const make = (input: Input = {}): ServerConfig => {
  const merged: Record<string, unknown> = { ...defaults }
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || !(name in defaults)) continue
    merged[name] = Duration.isDuration(defaults[name as keyof ServerConfig])
      ? Duration.fromInputUnsafe(value as Duration.Input)
      : value
  }
  return validate(merged)
}

/** The limits of the protocol among the configuration. */
export const limits = (config: ServerConfig): Limits.Limits => config

/** The limits of HTTP/2 among the configuration. */
export const http2Limits = (config: ServerConfig): Http2Limits.Limits => ({
  concurrentStreams: config.http2Streams,
  frameBytes: config.http2FrameBytes,
  headerListBytes: config.headBytes,
  fieldCount: config.fieldCount,
  headerBlockBytes: config.http2HeaderBlockBytes,
  continuations: config.http2Continuations,
  headerTableBytes: config.http2TableBytes,
  streamWindowBytes: config.http2StreamWindow,
  connectionWindowBytes: config.http2ConnectionWindow,
  targetGrammar: config.targetGrammar,
  connectProtocol: config.http2ConnectProtocol,
  bursts: {
    resets: config.http2Resets,
    provokedResets: config.http2ProvokedResets,
    settings: config.http2Settings,
    pings: config.http2Pings,
    emptyFrames: config.http2EmptyFrames,
    priorities: config.http2Priorities,
    tinyWindows: config.http2TinyWindows,
    windowUpdates: config.http2WindowUpdates,
    refusals: config.http2Refusals,
    ignored: config.http2Ignored
  }
})

/** The environment variable of a value: `headBytes` is `NVO_HEAD_BYTES`. */
export const variable = (name: keyof ServerConfig): string =>
  `NVO_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`

/** The configuration from the environment (any `ConfigProvider`), defaults where nothing is set. */
export const config: Config.Config<ServerConfig> = Config.all(
  Object.fromEntries(
    Object.entries(ServerConfig.fields).map(([name, field]) => [
      name,
      Config.schema(
        field as unknown as Schema.ConstraintCodec<unknown, unknown>,
        variable(name as keyof ServerConfig)
      ).pipe(Config.withDefault(defaults[name as keyof ServerConfig] as unknown))
    ])
  )
) as unknown as Config.Config<ServerConfig>
