/**
 * What one WebSocket is held to: the server's configuration, or what its application asked for in its place.
 * Durations are milliseconds, and 0 switches off what has a rate or an interval.
 */
import { WebSocketLimits } from "@nvo/protocol"
import * as Duration from "effect/Duration"
import type { ServerConfig } from "../../ServerConfig.ts"

export interface Settings {
  readonly limits: WebSocketLimits.WebSocketLimits
  readonly messageRate: number
  readonly controlRate: number
  readonly readAheadBytes: number
  readonly pingInterval: number
  readonly pingTimeout: number
  readonly closeTimeout: number
  readonly sendTimeout: number
  readonly sendAheadBytes: number
  readonly lingerTimeout: number
  readonly deflate: boolean
  readonly deflateTakeover: boolean
  readonly deflateFrom: number
}

/** What may be asked for one WebSocket. */
export interface Overrides {
  readonly messageBytes?: number | undefined
  readonly frameBytes?: number | undefined
  readonly fragmentBytes?: number | undefined
  readonly messageRate?: number | undefined
  readonly controlRate?: number | undefined
  readonly pingInterval?: Duration.Input | undefined
  readonly pingTimeout?: Duration.Input | undefined
  readonly deflate?: boolean | undefined
}

// Whoever asks for a WebSocket may say other things, too. The type has all of them here.
const overridden = Object.keys({
  messageBytes: true,
  frameBytes: true,
  fragmentBytes: true,
  messageRate: true,
  controlRate: true,
  pingInterval: true,
  pingTimeout: true,
  deflate: true
} satisfies Record<keyof Overrides, true>) as ReadonlyArray<keyof Overrides>

const millis = (override: Duration.Input | undefined, config: Duration.Duration): number =>
  Duration.toMillis(override === undefined ? config : Duration.fromInputUnsafe(override))

// One for all WebSockets that ask for nothing of their own.
const unchanged = new WeakMap<ServerConfig, Settings>()

/** The settings of one WebSocket. */
export const make = (config: ServerConfig, overrides?: Overrides): Settings => {
  if (overrides !== undefined && overridden.some((name) => overrides[name] !== undefined)) {
    return build(config, overrides)
  }
  const known = unchanged.get(config)
  if (known !== undefined) return known
  const made = build(config, {})
  unchanged.set(config, made)
  return made
}

const build = (config: ServerConfig, overrides: Overrides): Settings => ({
  limits: WebSocketLimits.make({
    messageBytes: overrides.messageBytes ?? config.webSocketMessageBytes,
    frameBytes: overrides.frameBytes ?? config.webSocketFrameBytes,
    fragmentBytes: overrides.fragmentBytes ?? config.webSocketFragmentBytes
  }),
  messageRate: overrides.messageRate ?? config.webSocketMessageRate,
  controlRate: overrides.controlRate ?? config.webSocketControlRate,
  readAheadBytes: config.webSocketReadAhead,
  pingInterval: millis(overrides.pingInterval, config.webSocketPingInterval),
  pingTimeout: millis(overrides.pingTimeout, config.webSocketPingTimeout),
  closeTimeout: Duration.toMillis(config.webSocketCloseTimeout),
  sendTimeout: Duration.toMillis(config.writeTimeout),
  sendAheadBytes: config.writeHighWaterMark,
  lingerTimeout: Duration.toMillis(config.lingerTimeout),
  deflate: overrides.deflate ?? config.webSocketDeflate,
  deflateTakeover: config.webSocketDeflateTakeover,
  deflateFrom: config.webSocketDeflateFrom
})
