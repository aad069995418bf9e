/**
 * What one simulated run does, as data: which faults are on, how the fibers run, what each client sends and how it
 * behaves. Drawn from a seed, printed when a run fails, and taken apart to find the smallest run that still fails.
 */
import * as FaultPlan from "../../FaultPlan.ts"
import { Seeded } from "../Seeded.ts"
import type { Breaking } from "./Ending.ts"
import * as Http2 from "./http2/Script.ts"
import * as WebSocket from "./websocket/Script.ts"

/** What a handler does with a request. */
export type Kind = "Echo" | "Count" | "Text" | "Stream" | "Ignore" | "Fail" | "Die"

/** One request and what is known of its answer. */
export interface Ask {
  /** Unique in the run: whose request this is and what its bodies hold. */
  readonly id: number
  readonly kind: Kind
  readonly method: "GET" | "HEAD" | "POST"
  readonly minorVersion: 0 | 1
  /** Octets of the request's body. */
  readonly body: number
  /** Octets of a chunk of the request's body; 0 for a body with a length. */
  readonly chunk: number
  readonly expectContinue: boolean
  /** Octets of the response's body, for kinds that choose it. */
  readonly size: number
  /** Pieces in which a stream comes. */
  readonly pieces: number
  /** Milliseconds that the handler sleeps: before it answers, or between the pieces. */
  readonly sleep: number
}

/** How a client leaves after its requests. */
export type Ending =
  /** Says in its last request that it closes. */
  | { readonly _tag: "Close" }
  /** Ends its side when it has its answers. */
  | { readonly _tag: "End" }
  /** Keeps the connection open and does nothing. */
  | { readonly _tag: "Silent" }
  | Breaking

/** One client and its connection. */
export interface Script {
  /** Milliseconds from the start. */
  readonly start: number
  readonly asks: ReadonlyArray<Ask>
  /** Whether it sends everything before it reads. */
  readonly pipelined: boolean
  /** Milliseconds that it waits before it receives, each time. */
  readonly readGap: number
  /** Milliseconds between its requests. */
  readonly think: number
  readonly ending: Ending
}

/** Limits of the server that a run may set. 0: as nvo has it. */
export interface Limits {
  readonly connectionCount: number
  readonly inFlightCount: number
  readonly queueCount: number
  readonly requestsPerConnection: number
  readonly turnRequests: number
  /** Milliseconds. */
  readonly handlerTimeout: number
  /** Milliseconds. */
  readonly idleTimeout: number
  readonly http2Streams: number
  /** Octets. */
  readonly http2StreamWindow: number
}

/** No limits but nvo's own. */
export const noLimits: Limits = {
  connectionCount: 0,
  inFlightCount: 0,
  queueCount: 0,
  requestsPerConnection: 0,
  turnRequests: 0,
  handlerTimeout: 0,
  idleTimeout: 0,
  http2Streams: 0,
  http2StreamWindow: 0
}

export const protocols = ["Http1", "Http2", "WebSocket", "Mixed"] as const

/** What the clients of a run speak. `Mixed`: all of it, on the same server. */
export type Protocol = (typeof protocols)[number]

/** See the module. */
export interface Scenario {
  readonly seed: number
  readonly protocol: Protocol
  readonly plan: FaultPlan.FaultPlan
  readonly shuffle: boolean
  readonly stepsBeforeYield: number
  /** Milliseconds after which the server stops, while clients are there; `undefined` when they have left. */
  readonly stopAt: number | undefined
  /** Octets that may wait with the server for the network. */
  readonly highWaterMark: number
  readonly limits: Limits
  /** Clients that speak HTTP/1.1. */
  readonly clients: ReadonlyArray<Script>
  readonly http2: ReadonlyArray<Http2.Http2Script>
  readonly sockets: ReadonlyArray<WebSocket.SocketScript>
}

/** How many connections there are. */
export const connectionCount = ({ clients, http2, sockets }: Scenario): number =>
  clients.length + http2.length + sockets.length

/** How many requests there may be at a time. */
export const concurrency = ({ clients, http2, sockets }: Scenario): number =>
  http2.reduce(
    (sum, one) => sum + Math.min(one.concurrency, one.asks.length),
    clients.length + sockets.length
  )

const KINDS: ReadonlyArray<Kind> = [
  "Echo",
  "Echo",
  "Count",
  "Text",
  "Text",
  "Stream",
  "Stream",
  "Ignore",
  "Fail",
  "Die"
]

// Mostly small, sometimes beyond every buffer in the way, but no more than some hundred segments.
const size = (seeded: Seeded, most: number): number => {
  const dice = seeded.next()
  if (dice < 0.2) return 0
  if (dice < 0.85) return seeded.between(1, Math.min(300, most))
  return seeded.between(1, dice < 0.97 ? Math.min(9_000, most) : most)
}

const SEGMENTS = 200

const largest = ({ toClient, toServer }: FaultPlan.FaultPlan): number =>
  Math.min(
    90_000,
    ...[toClient, toServer].flatMap(({ buffer, segment }) => [buffer * SEGMENTS, segment[1] * SEGMENTS])
  )

const ask = (seeded: Seeded, id: number, most: number): Ask => {
  const kind = seeded.pick(KINDS)
  const takesBody = kind === "Echo" || kind === "Count" || (kind === "Ignore" && seeded.chance(0.8))
  const minorVersion = seeded.chance(0.05) ? 0 : 1
  const body = takesBody ? size(seeded, most) : 0
  return {
    id,
    kind,
    method: takesBody ? "POST" : seeded.chance(0.1) ? "HEAD" : "GET",
    minorVersion,
    body,
    chunk: takesBody && minorVersion === 1 && seeded.chance(0.3) ? seeded.between(1, 2_000) : 0,
    expectContinue: body > 0 && minorVersion === 1 && seeded.chance(0.1),
    size: size(seeded, most),
    pieces: seeded.between(1, 5),
    sleep: seeded.chance(0.4) ? seeded.between(1, 200) : 0
  }
}

const ending = (seeded: Seeded): Ending => {
  const dice = seeded.next()
  if (dice < 0.35) return { _tag: "Close" }
  if (dice < 0.55) return { _tag: "End" }
  if (dice < 0.65) return { _tag: "Silent" }
  const octets = seeded.between(0, 900)
  if (dice < 0.75) return { _tag: "ResetAt", octets }
  if (dice < 0.82) return { _tag: "EndAt", octets }
  if (dice < 0.9) return { _tag: "StopAt", octets }
  return { _tag: "Malformed", which: seeded.between(0, 1_000) }
}

const script = (seeded: Seeded, client: number, most: number): Script => ({
  start: seeded.between(0, 500),
  asks: Array.from({ length: seeded.between(1, 5) }, (_, i) => ask(seeded, client * 100 + i + 1, most)),
  pipelined: seeded.chance(0.3),
  readGap: seeded.chance(0.15) ? seeded.between(1, 50) : 0,
  think: seeded.chance(0.3) ? seeded.between(1, 300) : 0,
  ending: ending(seeded)
})

// Which faults are on at all is drawn first: a run with one fault shows what a run with all of them hides.
const direction = (seeded: Seeded): FaultPlan.Direction => {
  const on = () => seeded.chance(0.35)
  const { calm } = FaultPlan
  return {
    latency: on() ? [0, seeded.between(1, 100)] : calm.latency,
    segment: on() ? [1, seeded.pick([1, 7, 100, 1_500])] : calm.segment,
    coalesce: on() ? seeded.next() : calm.coalesce,
    stall: on() ? { chance: 0.05, millis: [1, seeded.between(1, 400)] } : calm.stall,
    reset: seeded.chance(0.15) ? { chance: 0.5, after: [0, seeded.pick([100, 1_000, 10_000])] } : calm.reset,
    buffer: on() ? seeded.pick([64, 500, 4_000]) : calm.buffer
  }
}

const limits = (seeded: Seeded): Limits => {
  const on = (least: number, most: number) => (seeded.chance(0.12) ? seeded.between(least, most) : 0)
  return {
    connectionCount: on(1, 4),
    inFlightCount: on(1, 3),
    queueCount: on(1, 2),
    requestsPerConnection: on(1, 4),
    turnRequests: on(1, 3),
    handlerTimeout: on(20, 300),
    idleTimeout: on(1_000, 20_000),
    http2Streams: 0,
    http2StreamWindow: 0
  }
}

// Parts of a seed's numbers. What was drawn of a seed before there were others is drawn of its own numbers, as it was.
const PROTOCOL = 1
const HTTP2 = 2
const SOCKETS = 3
const TUNNELS = 4
// Numbers of the clients, which those of their requests begin with.
const FIRST_HTTP2 = 21
const FIRST_SOCKET = 41
const FIRST_TUNNEL = 61
// WebSockets among the streams of one connection.
const MOST_TUNNELS = 3
// Clients of each kind, in a run that has all of them.
const MIXED = 2

const protocolOf = (seed: number): Protocol => {
  const dice = new Seeded(seed).fork(PROTOCOL).next()
  return dice < 0.4 ? "Http1" : dice < 0.65 ? "Http2" : dice < 0.85 ? "WebSocket" : "Mixed"
}

const http1 = (seed: number): Scenario => {
  const seeded = new Seeded(seed)
  const plan: FaultPlan.FaultPlan = {
    toServer: direction(seeded),
    toClient: direction(seeded),
    acceptError: seeded.chance(0.1) ? 0.2 : 0
  }
  return {
    seed,
    protocol: "Http1",
    plan,
    shuffle: seeded.chance(0.5),
    // With fewer than five steps a fiber gets nowhere.
    stepsBeforeYield: seeded.chance(0.3) ? seeded.between(5, 60) : 2_048,
    stopAt: seeded.chance(0.15) ? seeded.between(0, 2_000) : undefined,
    highWaterMark: seeded.chance(0.3) ? seeded.pick([100, 1_000, 10_000]) : 65_536,
    limits: limits(seeded),
    clients: Array.from({ length: seeded.between(1, 6) }, (_, i) => script(seeded, i + 1, largest(plan))),
    http2: [],
    sockets: []
  }
}

const withHttp2 = (base: Scenario, most: number): Scenario => {
  const seeded = new Seeded(base.seed).fork(HTTP2)
  const http2Streams = seeded.chance(0.3) ? seeded.between(1, 4) : 0
  const http2StreamWindow = seeded.chance(0.3) ? seeded.pick([30, 200, 3_000]) : 0
  const largestBody = Math.min(
    largest(base.plan),
    http2StreamWindow === 0 ? 90_000 : http2StreamWindow * SEGMENTS
  )
  const http2 = Array.from({ length: seeded.between(1, most) }, (_, i) =>
    Http2.draw(seeded, FIRST_HTTP2 + i, largestBody, ask)
  )
  const tunnels = new Seeded(base.seed).fork(TUNNELS)
  return {
    ...base,
    limits: { ...base.limits, http2Streams, http2StreamWindow },
    http2: http2.map((one, i) => {
      const count = tunnels.chance(0.5) ? tunnels.between(1, MOST_TUNNELS) : 0
      return Http2.withTunnels(tunnels, one, FIRST_TUNNEL + i * MOST_TUNNELS, count, largestBody)
    })
  }
}

const withSockets = (base: Scenario, most: number): Scenario => {
  const seeded = new Seeded(base.seed).fork(SOCKETS)
  return {
    ...base,
    sockets: Array.from({ length: seeded.between(1, most) }, (_, i) =>
      WebSocket.draw(seeded, FIRST_SOCKET + i, largest(base.plan))
    )
  }
}

/** The scenario of a seed; the seed draws what is spoken, unless that is said. */
export const draw = (seed: number, protocol: Protocol = protocolOf(seed)): Scenario => {
  const base = http1(seed)
  const others = { ...base, protocol, clients: [] }
  switch (protocol) {
    case "Http1":
      return base
    case "Http2":
      return withHttp2(others, 3)
    case "WebSocket":
      return withSockets(others, 4)
    case "Mixed":
      return withSockets(withHttp2({ ...others, clients: base.clients.slice(0, MIXED) }, MIXED), MIXED)
  }
}

const without = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.map((_, i) => items.filter((_, j) => j !== i))

const replaced = <A>(
  all: ReadonlyArray<A>,
  simplerOf: (one: A) => ReadonlyArray<A>
): ReadonlyArray<ReadonlyArray<A>> =>
  all.flatMap((one, i) => simplerOf(one).map((simpler) => all.with(i, simpler)))

const simplerAsk = <A extends Ask>(one: A): ReadonlyArray<A> => {
  const plain = { sleep: 0, pieces: 1, chunk: 0, expectContinue: false, minorVersion: 1 }
  return [
    ...Object.entries(plain).map(([key, value]) => ({ ...one, [key]: value })),
    ...(one.body > 3 ? [{ ...one, body: one.body >> 1 }] : []),
    ...(one.size > 3 ? [{ ...one, size: one.size >> 1 }] : [])
  ]
}

// Plainer endings only: two that lead to each other would go in circles.
const simplerEnding = <A extends { readonly ending: { readonly _tag: string } }>(one: A): ReadonlyArray<A> =>
  ["Close", "End"]
    .slice(0, one.ending._tag === "Close" ? 0 : one.ending._tag === "End" ? 1 : 2)
    .map((_tag) => ({ ...one, ending: { _tag } }))

const plainer = <A extends object>(one: A, plain: Partial<A>): ReadonlyArray<A> =>
  Object.entries(plain).map(([key, value]) => ({ ...one, [key]: value }))

interface Asking<A> {
  readonly asks: ReadonlyArray<A>
  readonly ending: { readonly _tag: string }
}

const simplerAsks = <A extends Ask, S extends Asking<A>>(
  one: S,
  simplerOf: (ask: A) => ReadonlyArray<A>
): ReadonlyArray<S> => replaced(one.asks, simplerOf).map((asks) => ({ ...one, asks }))

const fewerAsks = <S extends Asking<unknown>>(one: S): ReadonlyArray<S> =>
  one.asks.length > 1 ? without(one.asks).map((asks) => ({ ...one, asks })) : []

const simplerScript = (one: Script): ReadonlyArray<Script> => [
  ...fewerAsks(one),
  ...plainer(one, { start: 0, think: 0, readGap: 0, pipelined: false }),
  ...simplerEnding(one),
  ...simplerAsks<Ask, Script>(one, simplerAsk)
]

const simplerHttp2 = (one: Http2.Http2Script): ReadonlyArray<Http2.Http2Script> => [
  ...fewerAsks(one),
  ...plainer(one, { start: 0, think: 0, readGap: 0, ...Http2.plain }),
  ...simplerEnding(one),
  ...simplerAsks<Http2.StreamAsk, Http2.Http2Script>(one, (ask) => [
    ...plainer(ask, Http2.plainAsk),
    ...simplerAsk(ask),
    ...simplerTunnel(ask)
  ])
]

const simplerTunnel = (ask: Http2.StreamAsk): ReadonlyArray<Http2.StreamAsk> =>
  ask.socket === undefined
    ? []
    : [...plainer(ask.socket, Http2.plainTunnel), ...simplerConversation(ask.socket)].map((socket) => ({
        ...ask,
        socket
      }))

const simplerSocket = (one: WebSocket.SocketScript): ReadonlyArray<WebSocket.SocketScript> => [
  ...plainer(one, { start: 0, readGap: 0 }),
  ...simplerConversation(one)
]

const simplerConversation = <A extends WebSocket.Conversation>(one: A): ReadonlyArray<A> => [
  ...without(one.sends).map((sends) => ({ ...one, sends })),
  ...plainer<WebSocket.Conversation>(one, WebSocket.plain).map((part) => ({ ...one, ...part })),
  ...(one.ending._tag === "Close" ? [] : [{ ...one, ending: { _tag: "Close", code: 1_000 } as const }]),
  ...replaced(one.sends, (send) => [
    ...plainer(send, WebSocket.plainSend),
    ...(send.size > 3 ? [{ ...send, size: send.size >> 1 }] : [])
  ]).map((sends) => ({ ...one, sends }))
]

const simplerPlan = (plan: FaultPlan.FaultPlan): ReadonlyArray<FaultPlan.FaultPlan> => [
  ...(["toServer", "toClient"] as const).flatMap((to) =>
    (Object.keys(FaultPlan.calm) as Array<keyof FaultPlan.Direction>).map((fault) => ({
      ...plan,
      [to]: { ...plan[to], [fault]: FaultPlan.calm[fault] }
    }))
  ),
  { ...plan, acceptError: 0 }
]

/** Scenarios with a little less in them, the boldest first. */
export const simpler = (scenario: Scenario): ReadonlyArray<Scenario> => {
  const text = JSON.stringify(scenario)
  return [
    { ...scenario, plan: FaultPlan.none },
    ...(connectionCount(scenario) > 1
      ? [
          ...without(scenario.clients).map((clients) => ({ ...scenario, clients })),
          ...without(scenario.http2).map((http2) => ({ ...scenario, http2 })),
          ...without(scenario.sockets).map((sockets) => ({ ...scenario, sockets }))
        ]
      : []),
    { ...scenario, stopAt: undefined },
    { ...scenario, shuffle: false },
    { ...scenario, stepsBeforeYield: 2_048 },
    { ...scenario, highWaterMark: 65_536 },
    ...(Object.keys(noLimits) as Array<keyof Limits>).map((name) => ({
      ...scenario,
      limits: { ...scenario.limits, [name]: 0 }
    })),
    ...simplerPlan(scenario.plan).map((plan) => ({ ...scenario, plan })),
    ...replaced(scenario.clients, simplerScript).map((clients) => ({ ...scenario, clients })),
    ...replaced(scenario.http2, simplerHttp2).map((http2) => ({ ...scenario, http2 })),
    ...replaced(scenario.sockets, simplerSocket).map((sockets) => ({ ...scenario, sockets }))
  ].filter((candidate) => JSON.stringify(candidate) !== text)
}
