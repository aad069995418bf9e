/**
 * The whole server in one thread: many clients and nvo's engine on a simulated network, in simulated time. A seed
 * draws the clients, the faults and the order in which fibers run, so that a run can be repeated to the last event.
 *
 * While it runs, every step is checked: answers belong to their requests and come in order, one handler runs on a
 * connection at a time, buffers keep their bounds, nothing fails that may not. Then the network is healed, and
 * everything has to come to its end: clients get what they are due, and nothing is left behind.
 *
 * @example
 * ```ts
 * import * as Simulation from "@nvo/testing/Simulation"
 *
 * const outcome = Simulation.run(Simulation.draw(7))
 * outcome.violations.length // 0
 * ```
 */
import { Connections, Engine, ServerConfig, ServerErrors, Transport } from "@nvo/server"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as App from "./internal/simulation/App.ts"
import * as Client from "./internal/simulation/Client.ts"
import * as Http2Client from "./internal/simulation/http2/Client.ts"
import * as Http2Judge from "./internal/simulation/http2/Judge.ts"
import type { Http2Script } from "./internal/simulation/http2/Script.ts"
import { type Circumstances, judge } from "./internal/simulation/Judge.ts"
import {
  draw,
  type Protocol,
  protocols,
  type Scenario,
  type Script,
  simpler
} from "./internal/simulation/Scenario.ts"
import { type Line, Witness } from "./internal/simulation/Witness.ts"
import * as SocketClient from "./internal/simulation/websocket/Client.ts"
import * as SocketJudge from "./internal/simulation/websocket/Judge.ts"
import type { SocketScript } from "./internal/simulation/websocket/Script.ts"
import * as SimulatedNetwork from "./SimulatedNetwork.ts"
import * as SimulatedTime from "./SimulatedTime.ts"

export type { Http2Script, Line, Protocol, Scenario, Script, SocketScript }
export {
  /** The scenario of a seed. The seed draws what the clients speak, too, unless that is said. */
  draw,
  /** What a run may be of. */
  protocols
}

/** What a run was and what was wrong in it. */
export interface Outcome {
  readonly scenario: Scenario
  /** What must never be, in sentences. None where all is well. */
  readonly violations: ReadonlyArray<string>
  /** Everything that happened, in order: the same for the same scenario. */
  readonly lines: ReadonlyArray<Line>
  /** Simulated milliseconds. */
  readonly time: number
  /** Requests that reached a handler. */
  readonly requests: number
}

/**
 * A server with something changed: for canaries, which a simulation has to catch. Each part takes what nvo has and
 * gives what is used in its place.
 */
export interface Variant {
  readonly name: string
  /** What has to be spoken for it to show. Default: what the seeds draw. */
  readonly protocol?: Protocol | undefined
  readonly connection?: (connection: Transport.Connection) => Effect.Effect<Transport.Connection>
  readonly registry?: (registry: Connections.Connections["Service"]) => Connections.Connections["Service"]
  readonly config?: (config: ServerConfig.ServerConfig) => ServerConfig.ServerConfig
}

/** nvo as it is. */
export const nvo: Variant = { name: "nvo" }

// Faults begin for so long; what is under way then has the rest of the run to end.
const HEAL_AFTER = "20 seconds"
// How long a server may take to stop beyond its drain: what it cuts has a second to finish, and as long to write.
const STOP_SLACK = 3_000
// Writes of one turn above the high-water mark: the largest body that is written at once, and its head.
const LARGEST_WRITE = 100_000

const eventText = ({ direction, event, octets }: SimulatedNetwork.Event): string => {
  const arrow = direction === "ToServer" ? "⇢" : "⇠"
  switch (event) {
    case "Sent":
      return `${arrow} ${octets} octets leave`
    case "Arrived":
      return `${arrow} ${octets} octets arrive`
    case "Stalled":
      return `${arrow} the network holds a segment for ${octets} ms`
    case "End":
      return `${arrow} end`
    case "Reset":
      return `${arrow} reset`
    case "Cut":
      return `${arrow} THE NETWORK LOSES THE CONNECTION`
    case "Opened":
      return "  open"
    case "AcceptFailed":
      return "  ACCEPTING FAILS"
    case "ServerClosed":
      return "  the server has released the connection"
    case "ClientClosed":
      return "  the client has released the connection"
  }
}

// What no client and no network can bring about.
const NEVER: ReadonlyArray<string> = ["EngineDefect", "ListenFailed", "ResponseBodyFailed", "LoopDelayed"]

const reporting = (witness: Witness): ServerErrors.ServerErrors["Service"] => ({
  report: (error) =>
    Effect.sync(() => {
      witness.say(error.connectionId, `! ${error.message}`)
      if (NEVER.includes(error.reason._tag))
        witness.violation(error.connectionId, `the server reports ${error.message}`)
    }),
  count: () => Effect.void,
  stream: Stream.empty,
  subscribe: Effect.succeed(Stream.empty)
})

const configOf = ({ highWaterMark, limits }: Scenario): ServerConfig.ServerConfig =>
  ServerConfig.make({
    writeHighWaterMark: highWaterMark,
    ...Object.fromEntries(Object.entries(limits).filter(([_, value]) => value > 0))
  })

const program = (scenario: Scenario, variant: Variant, witness: Witness, watch: (look: () => void) => void) =>
  Effect.gen(function* () {
    const network = yield* SimulatedNetwork.SimulatedNetwork
    const transport = yield* Transport.Transport
    const registry = (variant.registry ?? ((same) => same))(yield* Connections.Connections)
    const serving = yield* Scope.make()
    const listener = yield* Scope.provide(transport.listen({ port: 80 }), serving)
    const { connection: change } = variant
    const config = configOf(scenario)
    const { inFlightCount } = scenario.limits
    if (inFlightCount > 0) witness.mostInFlight = inFlightCount
    const server = yield* Engine.make(
      change === undefined ? listener : { ...listener, accept: Effect.flatMap(listener.accept, change) },
      variant.config?.(config) ?? config
    ).pipe(
      Effect.provideService(Connections.Connections, registry),
      Effect.provideService(ServerErrors.ServerErrors, reporting(witness))
    )
    yield* Scope.provide(server.serve(App.make(witness)), serving)

    watch(() => {
      const most = config.connectionCount + config.surplusCount
      if (registry.entries.size > most)
        witness.violation(0, `${registry.entries.size} connections are open, ${most} may be`)
      if (network.mostQueuedUnsafe() > scenario.highWaterMark + LARGEST_WRITE)
        witness.violation(0, `${network.mostQueuedUnsafe()} octets waited with the server`)
    })

    let stopped = false
    const stop = Effect.suspend(() => {
      stopped = true
      witness.say(0, "the server stops")
      return Effect.flatMap(Effect.timed(Scope.close(serving, Exit.void)), ([duration]) =>
        Effect.sync(() => {
          const millis = Duration.toMillis(duration)
          if (millis > Duration.toMillis(config.drainTimeout) + STOP_SLACK)
            witness.violation(0, `the server took ${millis} ms to stop`)
        })
      )
    })
    const stopping = yield* Effect.forkChild(
      scenario.stopAt === undefined ? Effect.void : Effect.andThen(Effect.sleep(scenario.stopAt), stop)
    )
    const healing = yield* Effect.forkChild(Effect.andThen(Effect.sleep(HEAL_AFTER), network.heal))

    const visit = <S extends { readonly start: number }, A, E extends Error>(
      script: S,
      run: (script: S, client: SimulatedNetwork.Client, witness: Witness) => Effect.Effect<A, E, Scope.Scope>,
      judge: (scenario: Scenario, script: S, got: A, seen: Circumstances, say: (text: string) => void) => void
    ) =>
      Effect.gen(function* () {
        yield* Effect.sleep(script.start)
        const exit = yield* Effect.exit(network.connect(listener.address))
        if (Exit.isFailure(exit)) {
          if (!stopped) witness.violation(0, "nobody listens")
          return
        }
        const client = exit.value
        const say = (text: string) => witness.violation(client.connection, text)
        const result = yield* Effect.result(run(script, client, witness))
        if (result._tag === "Failure") {
          say(`not HTTP: ${result.failure.message}`)
          return
        }
        const own = (yield* network.events).filter((event) => event.connection === client.connection)
        const seen: Circumstances = {
          lost: own.some((one) => one.event === "Cut" || one.event === "AcceptFailed"),
          stopped,
          stalled: own.reduce((sum, one) => sum + (one.event === "Stalled" ? one.octets : 0), 0)
        }
        judge(scenario, script, result.success, seen, say)
      }).pipe(Effect.scoped)
    yield* Effect.all(
      [
        ...scenario.clients.map((script) => visit(script, Client.run, judge)),
        ...scenario.http2.map((script) => visit(script, Http2Client.run, Http2Judge.judge)),
        ...scenario.sockets.map((script) => visit(script, SocketClient.run, SocketJudge.judge))
      ],
      { concurrency: "unbounded", discard: true }
    )
    yield* Fiber.interrupt(healing)
    yield* network.heal
    witness.say(0, "all clients have left")

    // The server notices, and lets go of them: without the orderly end that would cut what is left.
    yield* Effect.sleep("1 minute")
    for (const id of registry.entries.keys())
      witness.violation(id, "is still registered, and its client has left")
    yield* Fiber.join(stopping)
    if (!stopped) yield* stop
    const held = yield* network.held
    for (const [what, count] of Object.entries(held)) {
      if (count !== 0) witness.violation(0, `${count} ${what} are left in the end`)
    }
    if (witness.openScopes !== 0)
      witness.violation(0, `${witness.openScopes} request Scopes are left open in the end`)
    return yield* network.events
  })

/** Runs a scenario. */
export const run = (scenario: Scenario, variant: Variant = nvo): Outcome => {
  let witness = new Witness(() => 0)
  let look = () => {}
  let now = () => 0
  const exit = SimulatedTime.runExit(
    Effect.flatMap(Clock.Clock, (clock) => {
      now = () => clock.currentTimeMillisUnsafe() - SimulatedTime.EPOCH
      witness = new Witness(now)
      return program(scenario, variant, witness, (next) => {
        look = next
      })
    }).pipe(
      Effect.provide(
        Layer.mergeAll(
          SimulatedNetwork.layer({
            seed: scenario.seed,
            plan: scenario.plan,
            writeHighWaterMark: scenario.highWaterMark,
            onEvent: (event) => witness.say(event.connection, eventText(event))
          }),
          Engine.layerServices,
          Logger.layer([])
        )
      )
    ),
    {
      seed: scenario.seed,
      shuffle: scenario.shuffle,
      stepsBeforeYield: scenario.stepsBeforeYield,
      inspect: () => look()
    }
  )
  if (Exit.isFailure(exit)) witness.violation(0, `the run broke: ${Cause.pretty(exit.cause)}`)
  return {
    scenario,
    violations: witness.violations,
    lines: witness.lines,
    time: now(),
    requests: witness.lines.filter(({ text }) => text.endsWith(" begins")).length
  }
}

/** Runs seeds from `from` on, and gives the first outcome in which something is wrong. */
export const hunt = (options: {
  readonly from: number
  readonly seeds: number
  readonly variant?: Variant | undefined
  /** What the clients speak. Default: what the variant has to be asked in, or else what each seed draws. */
  readonly protocol?: Protocol | undefined
  /** Called after every seed. */
  readonly onSeed?: ((outcome: Outcome) => void) | undefined
}): Outcome | undefined => {
  for (let seed = options.from; seed < options.from + options.seeds; seed++) {
    const outcome = run(draw(seed, options.protocol ?? options.variant?.protocol), options.variant)
    options.onSeed?.(outcome)
    if (outcome.violations.length > 0) return outcome
  }
  return undefined
}

// What kind of thing went wrong: a sentence without its numbers.
const kindOf = (sentence: string): string => sentence.replaceAll(/[0-9]+/g, "#").slice(0, 60)

/**
 * The smallest scenario that goes wrong in the same way: parts are taken away for as long as it does. Runs the
 * server `attempts` times at most; default: 2,000.
 */
export const minimize = (outcome: Outcome, variant: Variant = nvo, attempts = 2_000): Outcome => {
  const kind = kindOf(outcome.violations[0] ?? "")
  let smallest = outcome
  let left = attempts
  let goesOn = true
  while (goesOn) {
    goesOn = false
    for (const candidate of simpler(smallest.scenario)) {
      if (left-- <= 0) return smallest
      const next = run(candidate, variant)
      if (!next.violations.some((sentence) => kindOf(sentence) === kind)) continue
      smallest = next
      goesOn = true
      break
    }
  }
  return smallest
}

/** The outcome for people: what was drawn, what was wrong, and a timeline for each connection it concerns. */
export const format = (outcome: Outcome): string => {
  const { scenario, violations } = outcome
  const concerned = new Set(
    violations.map((sentence) => Number(/^connection ([0-9]+):/.exec(sentence)?.[1] ?? 0))
  )
  const all = concerned.has(0)
  const connections = [...new Set(outcome.lines.map((line) => line.connection))].sort((a, b) => a - b)
  return [
    `seed ${scenario.seed}: ${violations.length === 0 ? "nothing is wrong" : violations.join("; ")}`,
    "",
    ...describe(scenario),
    ...connections
      .filter((connection) => all || connection === 0 || concerned.has(connection))
      .flatMap((connection) => [
        "",
        connection === 0 ? "server" : `connection ${connection}`,
        ...outcome.lines
          .filter((line) => line.connection === connection)
          .map((line) => `${String(Math.round(line.time)).padStart(8)} ms  ${line.text}`)
      ])
  ].join("\n")
}

const told = (script: object, parts: ReadonlyArray<object>): ReadonlyArray<string> => [
  `  client ${JSON.stringify(script)}`,
  ...parts.map((part) => `    ${JSON.stringify(part)}`)
]

const describe = ({ clients, http2, plan, sockets, ...rest }: Scenario): ReadonlyArray<string> => [
  `drawn: ${JSON.stringify(rest)}`,
  `  to the server: ${JSON.stringify(plan.toServer)}`,
  `  to the client: ${JSON.stringify(plan.toClient)}, accept errors: ${plan.acceptError}`,
  ...[...clients, ...http2].flatMap(({ asks, ...script }) => told(script, asks)),
  ...sockets.flatMap(({ sends, ...script }) => told(script, sends))
]
