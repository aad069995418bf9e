/** The one configuration: its defaults, what it takes in code, and what it takes from the environment. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect } from "effect"
import * as ServerConfig from "../src/ServerConfig.ts"

type Name = keyof ServerConfig.ServerConfig

interface Value {
  readonly variable: string
  readonly default: unknown
  /** Another value: in code, in the environment, and as it is known afterwards. */
  readonly input: unknown
  readonly env: string
  readonly value: unknown
  /** The smallest value that is taken, and those that are refused. */
  readonly smallest?: unknown
  readonly refused: ReadonlyArray<unknown>
  /** What the environment may not say, where the usual nonsense makes sense. */
  readonly nonsense?: string
}

const positive = (variable: string, initial: number): Value => ({
  variable,
  default: initial,
  input: 12_345,
  env: "12345",
  value: 12_345,
  smallest: 1,
  refused: [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "12", null]
})

const natural = (variable: string, initial: number): Value => ({
  ...positive(variable, initial),
  smallest: 0,
  refused: [-1, 1.5, Number.NaN, "0", null]
})

const duration = (variable: string, initial: Duration.Duration): Value => ({
  variable,
  default: initial,
  input: "250 millis",
  env: "250 millis",
  value: Duration.millis(250),
  smallest: Duration.zero,
  refused: []
})

const switchedOff = {
  default: false,
  input: true,
  env: "true",
  value: true,
  refused: ["true", 1, null]
}

const values: Record<Name, Value> = {
  requestLineBytes: positive("NVO_REQUEST_LINE_BYTES", 8_000),
  methodBytes: positive("NVO_METHOD_BYTES", 32),
  headBytes: positive("NVO_HEAD_BYTES", 16_384),
  fieldCount: positive("NVO_FIELD_COUNT", 100),
  emptyLines: natural("NVO_EMPTY_LINES", 4),
  chunkSizeDigits: positive("NVO_CHUNK_SIZE_DIGITS", 16),
  chunkExtensionBytes: natural("NVO_CHUNK_EXTENSION_BYTES", 4_096),
  trailerBytes: positive("NVO_TRAILER_BYTES", 8_192),
  targetGrammar: {
    variable: "NVO_TARGET_GRAMMAR",
    default: "rfc3986",
    input: "whatwg",
    env: "whatwg",
    value: "whatwg",
    refused: ["rfc2396", "", 1]
  },
  http2ConnectProtocol: {
    variable: "NVO_HTTP2_CONNECT_PROTOCOL",
    default: true,
    input: false,
    env: "false",
    value: false,
    refused: ["false", 1, null]
  },
  http2: {
    variable: "NVO_HTTP2",
    default: true,
    input: false,
    env: "false",
    value: false,
    refused: ["true", 1, null]
  },
  http2Streams: positive("NVO_HTTP2_STREAMS", 100),
  http2FrameBytes: {
    variable: "NVO_HTTP2_FRAME_BYTES",
    default: 16_384,
    input: 20_000,
    env: "20000",
    value: 20_000,
    smallest: 16_384,
    refused: [16_383, 16_777_216, "20000", null]
  },
  http2HeaderBlockBytes: positive("NVO_HTTP2_HEADER_BLOCK_BYTES", 32_768),
  http2Continuations: natural("NVO_HTTP2_CONTINUATIONS", 8),
  http2TableBytes: natural("NVO_HTTP2_TABLE_BYTES", 4_096),
  http2StreamWindow: positive("NVO_HTTP2_STREAM_WINDOW", 262_144),
  http2ConnectionWindow: {
    variable: "NVO_HTTP2_CONNECTION_WINDOW",
    default: 1_048_576,
    input: 70_000,
    env: "70000",
    value: 70_000,
    smallest: 65_535,
    refused: [65_534, 2_147_483_648, "70000", null]
  },
  http2QueueBytes: positive("NVO_HTTP2_QUEUE_BYTES", 16_384),
  http2Resets: natural("NVO_HTTP2_RESETS", 400),
  http2ProvokedResets: natural("NVO_HTTP2_PROVOKED_RESETS", 200),
  http2Settings: natural("NVO_HTTP2_SETTINGS", 50),
  http2Pings: natural("NVO_HTTP2_PINGS", 500),
  http2EmptyFrames: natural("NVO_HTTP2_EMPTY_FRAMES", 200),
  http2Priorities: natural("NVO_HTTP2_PRIORITIES", 1_000),
  http2TinyWindows: natural("NVO_HTTP2_TINY_WINDOWS", 500),
  http2WindowUpdates: natural("NVO_HTTP2_WINDOW_UPDATES", 1_000),
  http2Refusals: natural("NVO_HTTP2_REFUSALS", 200),
  http2Ignored: natural("NVO_HTTP2_IGNORED", 1_000),
  bufferedBodyBytes: natural("NVO_BUFFERED_BODY_BYTES", 1_048_576),
  drainBytes: natural("NVO_DRAIN_BYTES", 65_536),
  headTimeout: duration("NVO_HEAD_TIMEOUT", Duration.seconds(10)),
  idleTimeout: duration("NVO_IDLE_TIMEOUT", Duration.seconds(60)),
  tlsHandshakeTimeout: duration("NVO_TLS_HANDSHAKE_TIMEOUT", Duration.seconds(10)),
  bodyTimeout: duration("NVO_BODY_TIMEOUT", Duration.seconds(10)),
  bodyRate: natural("NVO_BODY_RATE", 240),
  writeTimeout: duration("NVO_WRITE_TIMEOUT", Duration.seconds(30)),
  writeRate: natural("NVO_WRITE_RATE", 240),
  handlerTimeout: duration("NVO_HANDLER_TIMEOUT", Duration.zero),
  connectionAge: duration("NVO_CONNECTION_AGE", Duration.zero),
  requestsPerConnection: natural("NVO_REQUESTS_PER_CONNECTION", 0),
  drainDelay: duration("NVO_DRAIN_DELAY", Duration.zero),
  connectionCount: natural("NVO_CONNECTION_COUNT", 16_384),
  connectionPolicy: {
    variable: "NVO_CONNECTION_POLICY",
    default: "evict",
    input: "refuse",
    env: "refuse",
    value: "refuse",
    refused: ["drop", "", 1]
  },
  surplusCount: natural("NVO_SURPLUS_COUNT", 64),
  inFlightCount: natural("NVO_IN_FLIGHT_COUNT", 10_000),
  queueCount: natural("NVO_QUEUE_COUNT", 1_000),
  queueTimeout: duration("NVO_QUEUE_TIMEOUT", Duration.seconds(1)),
  loopDelay: duration("NVO_LOOP_DELAY", Duration.millis(500)),
  retryAfter: duration("NVO_RETRY_AFTER", Duration.seconds(1)),
  acceptPause: duration("NVO_ACCEPT_PAUSE", Duration.millis(100)),
  turnRequests: positive("NVO_TURN_REQUESTS", 32),
  lingerTimeout: duration("NVO_LINGER_TIMEOUT", Duration.seconds(1)),
  drainTimeout: duration("NVO_DRAIN_TIMEOUT", Duration.seconds(30)),
  halfClose: {
    variable: "NVO_HALF_CLOSE",
    default: false,
    input: true,
    env: "true",
    value: true,
    refused: ["true", 1, null]
  },
  writeHighWaterMark: positive("NVO_WRITE_HIGH_WATER_MARK", 65_536),
  webSocketMessageBytes: natural("NVO_WEB_SOCKET_MESSAGE_BYTES", 1_048_576),
  webSocketFrameBytes: natural("NVO_WEB_SOCKET_FRAME_BYTES", 1_052_672),
  webSocketFragmentBytes: positive("NVO_WEB_SOCKET_FRAGMENT_BYTES", 64),
  webSocketMessageRate: natural("NVO_WEB_SOCKET_MESSAGE_RATE", 0),
  webSocketControlRate: natural("NVO_WEB_SOCKET_CONTROL_RATE", 100),
  webSocketReadAhead: positive("NVO_WEB_SOCKET_READ_AHEAD", 65_536),
  webSocketPingInterval: duration("NVO_WEB_SOCKET_PING_INTERVAL", Duration.seconds(30)),
  webSocketPingTimeout: duration("NVO_WEB_SOCKET_PING_TIMEOUT", Duration.seconds(20)),
  webSocketCloseTimeout: duration("NVO_WEB_SOCKET_CLOSE_TIMEOUT", Duration.seconds(5)),
  webSocketDeflate: { ...switchedOff, variable: "NVO_WEB_SOCKET_DEFLATE" },
  webSocketDeflateTakeover: { ...switchedOff, variable: "NVO_WEB_SOCKET_DEFLATE_TAKEOVER" },
  webSocketDeflateFrom: natural("NVO_WEB_SOCKET_DEFLATE_FROM", 1_024),
  metrics: {
    variable: "NVO_METRICS",
    default: true,
    input: false,
    env: "false",
    value: false,
    refused: ["true", 1, null]
  },
  accessLogRate: {
    variable: "NVO_ACCESS_LOG_RATE",
    default: 0,
    input: 0.25,
    env: "0.25",
    value: 0.25,
    smallest: 0,
    refused: [-0.01, 1.01, Number.NaN, "1", null]
  },
  requestIdHeader: {
    variable: "NVO_REQUEST_ID_HEADER",
    default: "x-request-id",
    input: "x-correlation-id",
    env: "x-correlation-id",
    value: "x-correlation-id",
    smallest: "",
    nonsense: "a name, or two",
    refused: ["x y", "x:", 1, null]
  },
  requestIdResponse: {
    variable: "NVO_REQUEST_ID_RESPONSE",
    default: false,
    input: true,
    env: "true",
    value: true,
    refused: ["true", 1, null]
  },
  excerptLength: natural("NVO_EXCERPT_LENGTH", 128)
}

const entries = Object.entries(values) as ReadonlyArray<readonly [Name, Value]>

const fromEnv = (env: Record<string, string>) =>
  Effect.provideService(ServerConfig.config, ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))

describe("ServerConfig", () => {
  it("has these values and no others", () => {
    assert.deepStrictEqual(Object.keys(ServerConfig.defaults).sort(), Object.keys(values).sort())
  })

  it("make() is the defaults; undefined and foreign names change nothing", () => {
    const nothing = Object.fromEntries(entries.map(([name]) => [name, undefined]))
    assert.deepStrictEqual(ServerConfig.make(), ServerConfig.defaults)
    assert.deepStrictEqual(ServerConfig.make(nothing), ServerConfig.defaults)
    const options = { port: 3000, path: "/run/nvo" } as ServerConfig.Input
    assert.deepStrictEqual(ServerConfig.make(options), ServerConfig.defaults)
  })

  it("its limits are the protocol's", () => {
    const config = ServerConfig.make({ headBytes: 99, fieldCount: 3, targetGrammar: "whatwg" })
    const limits = ServerConfig.limits(config)
    assert.deepStrictEqual(
      [limits.headBytes, limits.fieldCount, limits.targetGrammar, limits.trailerBytes],
      [99, 3, "whatwg", 8_192]
    )
  })

  it.effect("loads the defaults from an empty environment", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* fromEnv({}), ServerConfig.defaults)
      assert.deepStrictEqual(yield* fromEnv({ HEAD_BYTES: "1", NVO_PORT: "1" }), ServerConfig.defaults)
    })
  )

  it.effect("loads everything at once", () =>
    Effect.gen(function* () {
      const env = Object.fromEntries(entries.map(([_, { env, variable }]) => [variable, env]))
      const expected = Object.fromEntries(entries.map(([name, { value }]) => [name, value]))
      assert.deepStrictEqual({ ...(yield* fromEnv(env)) }, expected as never)
    })
  )
})

for (const [name, value] of entries) {
  describe(`ServerConfig.${name}`, () => {
    it(`is ${String(value.default)} by default, and its variable is ${value.variable}`, () => {
      assert.deepStrictEqual(ServerConfig.defaults[name], value.default as never)
      assert.strictEqual(ServerConfig.variable(name), value.variable)
    })

    it("is documented with a unit", () => {
      const annotations = ServerConfig.ServerConfig.fields[name].ast.context?.annotations
      assert.isString(annotations?.description)
      assert.isString(annotations?.documentation)
    })

    it("is taken in code, and changes nothing else", () => {
      const made = ServerConfig.make({ [name]: value.input } as ServerConfig.Input)
      assert.deepStrictEqual(made, { ...ServerConfig.defaults, [name]: value.value })
    })

    if (value.smallest !== undefined) {
      it(`may be ${String(value.smallest)}`, () => {
        const made = ServerConfig.make({ [name]: value.smallest } as ServerConfig.Input)
        assert.deepStrictEqual(made[name], value.smallest as never)
      })
    }

    for (const refused of value.refused) {
      it(`may not be ${JSON.stringify(refused) ?? String(refused)} (${typeof refused})`, () => {
        assert.throws(() => ServerConfig.make({ [name]: refused } as ServerConfig.Input), new RegExp(name))
      })
    }

    it.effect("is taken from the environment, and changes nothing else", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* fromEnv({ [value.variable]: value.env }), {
          ...ServerConfig.defaults,
          [name]: value.value
        })
      })
    )

    it.effect("is refused from the environment where it is nonsense, by the name of its variable", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(fromEnv({ [value.variable]: value.nonsense ?? "nonsense" }))
        assert.strictEqual(error._tag, "ConfigError")
        assert.include(error.message, value.variable)
      })
    )
  })
}

describe("ServerConfig from the environment", () => {
  const outOfRange: ReadonlyArray<readonly [variable: string, text: string]> = [
    ["NVO_HEAD_BYTES", "0"],
    ["NVO_HEAD_BYTES", "-1"],
    ["NVO_HEAD_BYTES", "1.5"],
    ["NVO_EMPTY_LINES", "-1"],
    ["NVO_TARGET_GRAMMAR", "RFC3986"],
    ["NVO_HALF_CLOSE", "perhaps"]
  ]
  for (const [variable, text] of outOfRange) {
    it.effect(`refuses ${variable}=${text}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(fromEnv({ [variable]: text }))
        assert.strictEqual(error._tag, "ConfigError")
        assert.include(error.message, variable)
      })
    )
  }

  const durations: ReadonlyArray<readonly [text: string, duration: Duration.Duration]> = [
    ["10 seconds", Duration.seconds(10)],
    ["1 minute", Duration.minutes(1)],
    ["0 millis", Duration.zero]
  ]
  for (const [text, expected] of durations) {
    it.effect(`takes NVO_DRAIN_TIMEOUT="${text}"`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* fromEnv({ NVO_DRAIN_TIMEOUT: text })).drainTimeout, expected)
      })
    )
  }

  it.effect("takes durations in any form of Effect's in code", () =>
    Effect.sync(() => {
      for (const input of ["5 seconds", 5_000, Duration.seconds(5)] as const) {
        assert.deepStrictEqual(ServerConfig.make({ drainTimeout: input }).drainTimeout, Duration.seconds(5))
      }
    })
  )
})
