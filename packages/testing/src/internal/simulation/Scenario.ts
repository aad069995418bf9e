/**
 * What one simulated run does, as data: which faults are on, how the fibers run, what each client sends and how it
 * behaves. Drawn from a seed, printed when a run fails, and taken apart to find the smallest run that still fails.
 */
import * as FaultPlan from "../../FaultPlan.ts"
import { Seeded } from "../Seeded.ts"

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
  /** Resets the connection when it has sent so many octets. */
  | { readonly _tag: "ResetAt"; readonly octets: number }
  /** Ends its side when it has sent so many octets, in the middle of a message perhaps. */
  | { readonly _tag: "EndAt"; readonly octets: number }
  /** Sends so many octets and then nothing more. */
  | { readonly _tag: "StopAt"; readonly octets: number }
  /** Sends something behind its requests that has to be refused: the place in the table. */
  | { readonly _tag: "Malformed"; readonly which: number }

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
}

/** No limits but nvo's own. */
export const noLimits: Limits = {
  connectionCount: 0,
  inFlightCount: 0,
  queueCount: 0,
  requestsPerConnection: 0,
  turnRequests: 0,
  handlerTimeout: 0,
  idleTimeout: 0
}

/** See the module. */
export interface Scenario {
  readonly seed: number
  readonly plan: FaultPlan.FaultPlan
  readonly shuffle: boolean
  readonly stepsBeforeYield: number
  /** Milliseconds after which the server stops, while clients are there; `undefined` when they have left. */
  readonly stopAt: number | undefined
  /** Octets that may wait with the server for the network. */
  readonly highWaterMark: number
  readonly limits: Limits
  readonly clients: ReadonlyArray<Script>
}

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
    idleTimeout: on(1_000, 20_000)
  }
}

/** The scenario of a seed. */
export const draw = (seed: number): Scenario => {
  const seeded = new Seeded(seed)
  const plan: FaultPlan.FaultPlan = {
    toServer: direction(seeded),
    toClient: direction(seeded),
    acceptError: seeded.chance(0.1) ? 0.2 : 0
  }
  return {
    seed,
    plan,
    shuffle: seeded.chance(0.5),
    // With fewer than five steps a fiber gets nowhere.
    stepsBeforeYield: seeded.chance(0.3) ? seeded.between(5, 60) : 2_048,
    stopAt: seeded.chance(0.15) ? seeded.between(0, 2_000) : undefined,
    highWaterMark: seeded.chance(0.3) ? seeded.pick([100, 1_000, 10_000]) : 65_536,
    limits: limits(seeded),
    clients: Array.from({ length: seeded.between(1, 6) }, (_, i) => script(seeded, i + 1, largest(plan)))
  }
}

const without = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.map((_, i) => items.filter((_, j) => j !== i))

const simplerAsk = (one: Ask): ReadonlyArray<Ask> => {
  const plain: Partial<Ask> = { sleep: 0, pieces: 1, chunk: 0, expectContinue: false, minorVersion: 1 }
  return [
    ...Object.entries(plain).map(([key, value]) => ({ ...one, [key]: value })),
    ...(one.body > 3 ? [{ ...one, body: one.body >> 1 }] : []),
    ...(one.size > 3 ? [{ ...one, size: one.size >> 1 }] : [])
  ]
}

const simplerScript = (one: Script): ReadonlyArray<Script> => [
  ...(one.asks.length > 1 ? without(one.asks).map((asks) => ({ ...one, asks })) : []),
  { ...one, start: 0 },
  { ...one, think: 0 },
  { ...one, readGap: 0 },
  { ...one, pipelined: false },
  // Plainer endings only: two that lead to each other would go in circles.
  ...(one.ending._tag === "Close" ? [] : [{ ...one, ending: { _tag: "Close" } as const }]),
  ...(one.ending._tag === "Close" || one.ending._tag === "End"
    ? []
    : [{ ...one, ending: { _tag: "End" } as const }]),
  ...one.asks.flatMap((ask, i) =>
    simplerAsk(ask).map((simpler) => ({
      ...one,
      asks: one.asks.map((other, j) => (i === j ? simpler : other))
    }))
  )
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
    ...(scenario.clients.length > 1
      ? without(scenario.clients).map((clients) => ({ ...scenario, clients }))
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
    ...scenario.clients.flatMap((client, i) =>
      simplerScript(client).map((simpler) => ({
        ...scenario,
        clients: scenario.clients.map((other, j) => (i === j ? simpler : other))
      }))
    )
  ].filter((candidate) => JSON.stringify(candidate) !== text)
}
