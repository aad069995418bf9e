/** Runs loads against servers, round by round, one after the other. */
import { Console, Deferred, Effect, type Scope } from "effect"
import { type Load, requestText, TRANSFER } from "./Loads.ts"
import * as Machine from "./Machine.ts"
import * as Paced from "./Paced.ts"
import type * as Peers from "./Peers.ts"
import type { Sample } from "./Results.ts"
import * as Running from "./Running.ts"
import { median } from "./Stats.ts"

/** What takes the place of a load's own rounds and seconds. */
export interface Plan {
  readonly rounds?: number | undefined
  readonly seconds?: number | undefined
}

/** A server as the plan knows it: under which name, and how a fresh process of it is started. */
export interface Subject {
  readonly id: string
  readonly start: (load: Load) => Effect.Effect<Running.Running, Running.BenchError, Scope.Scope>
}

/** A peer under a name, which is its own where none is given. */
export const subject = (peer: Peers.Peer, id: string = peer.id): Subject => ({
  id,
  start: ({ services }) =>
    Running.start(peer, { args: peer.takesServices && services > 0 ? [String(services)] : [] })
})

type Samples = Record<string, Array<Sample>>

const cpuSince = (pid: number, before: Machine.CpuTime): Machine.CpuTime => {
  const after = Machine.cpuTime(pid)
  return { user: after.user - before.user, system: after.system - before.system }
}

const closed = Effect.fnUntraced(function* (running: Running.Running, load: Load, seconds: number) {
  const before = Machine.cpuTime(running.pid)
  const { p50, p99, p999, requests, seconds: took } = yield* Running.requests(running.port, load, seconds)
  const { system, user } = cpuSince(running.pid, before)
  return {
    user: user / requests,
    system: system / requests,
    rate: requests / took,
    p50,
    p99,
    p999,
    memory: Machine.resident(running.pid)
  } satisfies Sample
})

const paced = Effect.fnUntraced(function* (
  running: Running.Running,
  load: Load,
  seconds: number,
  capacity: number,
  generator: Paced.Generator
) {
  const before = Machine.cpuTime(running.pid)
  const result = yield* generator({
    kind: "requests",
    port: running.port,
    connections: load.connections,
    seconds,
    rate: Math.round(capacity * 0.7),
    request: requestText(load)
  })
  if (result.failed + result.shed > 0) {
    return yield* new Running.BenchError({ message: `${running.id}, ${load.id}: ${JSON.stringify(result)}` })
  }
  const { system, user } = cpuSince(running.pid, before)
  const { p50, p99, p999, requests } = result
  return {
    user: user / requests,
    system: system / requests,
    rate: requests / seconds,
    p50,
    p99,
    p999,
    memory: Machine.resident(running.pid)
  } satisfies Sample
})

const transfer = Effect.fnUntraced(function* (running: Running.Running, load: Load, seconds: number) {
  Machine.resetPeak(running.pid)
  const before = Machine.cpuTime(running.pid)
  const up = load.method === "POST"
  const result = yield* Running.report({
    kind: "transfer",
    port: running.port,
    connections: load.connections,
    seconds,
    request: requestText(load, TRANSFER),
    ...(up ? { upload: TRANSFER } : {})
  })
  if (result.failed + result.shed > 0 || (!up && result.octets < result.ok * TRANSFER)) {
    return yield* new Running.BenchError({ message: `${running.id}, ${load.id}: ${JSON.stringify(result)}` })
  }
  const { system, user } = cpuSince(running.pid, before)
  return {
    user: user / result.ok,
    system: system / result.ok,
    rate: result.ok / result.seconds,
    memory: Machine.peak(running.pid)
  } satisfies Sample
})

// Requests after which a server is warm, and how often two seconds of them are tried. Chosen by feel: V8 has compiled
// what it will by then.
const WARM = 25_000
const MOST_WARM_UPS = 4

const settle = Effect.sleep("1 second")

// A fresh process for each round: what a server keeps of earlier connections would count for this one.
const idle = (subject: Subject, load: Load, warmUp: Load) =>
  Effect.scoped(
    Effect.gen(function* () {
      const running = yield* subject.start(load)
      yield* Running.requests(running.port, warmUp, 1)
      yield* settle
      const before = Machine.resident(running.pid)
      const cpuBefore = Machine.cpuTime(running.pid)
      const opened = Deferred.makeUnsafe<void>()
      yield* Running.generate(
        {
          kind: "idle",
          port: running.port,
          connections: load.connections,
          seconds: 0,
          request: requestText(load)
        },
        () => Deferred.doneUnsafe(opened, Effect.void)
      )
      yield* Effect.timeoutOrElse(Deferred.await(opened), {
        duration: "60 seconds",
        orElse: () =>
          Effect.fail(new Running.BenchError({ message: `${subject.id}: not every connection was answered` }))
      })
      const { system, user } = cpuSince(running.pid, cpuBefore)
      yield* settle
      const memory = Machine.resident(running.pid)
      return {
        user: user / load.connections,
        system: system / load.connections,
        rate: 0,
        memory,
        perConnection: (memory - before) / load.connections
      } satisfies Sample
    })
  )

const say = (id: string, sample: Sample) =>
  Console.log(
    [
      `  ${id.padEnd(14)} ${(sample.user + sample.system).toFixed(1).padStart(9)} µs of CPU`,
      `${sample.rate.toFixed(sample.rate < 100 ? 1 : 0).padStart(8)}/s`,
      `${(sample.memory / 2 ** 20).toFixed(0).padStart(5)} MiB`,
      ...(sample.p99 === undefined ? [] : [`p99 ${(sample.p99 / 1000).toFixed(2)} ms`]),
      ...(sample.perConnection === undefined ? [] : [`${(sample.perConnection / 1024).toFixed(1)} KiB each`])
    ].join("  ")
  )

/**
 * Measures a load on all servers. Each round asks every server once; even and odd rounds go through them in
 * opposite order. A first round warms up and does not count.
 */
export const measure = (
  subjects: ReadonlyArray<Subject>,
  load: Load,
  warmUp: Load,
  plan: Plan
): Effect.Effect<Readonly<Samples>, Running.BenchError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { rounds: count = load.rounds, seconds = load.seconds } = plan
      const samples: Samples = Object.fromEntries(subjects.map(({ id }) => [id, []]))
      const rounds = Effect.fnUntraced(function* <A extends { readonly id: string }>(
        all: ReadonlyArray<A>,
        one: (subject: A) => Effect.Effect<Sample, Running.BenchError>
      ) {
        for (let round = 0; round < count; round++) {
          for (const subject of round % 2 === 0 ? all : all.toReversed()) {
            const sample = yield* one(subject)
            samples[subject.id].push(sample)
            yield* say(subject.id, sample)
          }
        }
      })
      yield* Console.log(`${load.title}: ${count} rounds`)
      if (load.kind === "idle") {
        yield* rounds(subjects, (subject) => idle(subject, load, warmUp))
        return samples
      }
      const running = yield* Effect.forEach(subjects, ({ id, start }) =>
        Effect.map(start(load), (running) => ({ ...running, id }))
      )
      if (load.kind === "transfer") {
        for (const one of running) yield* transfer(one, load, 0.1)
        yield* rounds(running, (one) => transfer(one, load, seconds))
        return samples
      }
      const capacities = new Map<string, number>()
      for (const one of running) {
        // What is measured is compiled code: the load itself, until no server is asked cold. On a machine that others
        // use that takes more than a while by the clock.
        for (let asked = 0, tries = 0; asked < WARM && tries < MOST_WARM_UPS; tries++) {
          asked += 2 * (yield* closed(one, load, 2)).rate
        }
        if (load.paced) {
          const tries = [
            yield* closed(one, load, 1),
            yield* closed(one, load, 1),
            yield* closed(one, load, 1)
          ]
          capacities.set(one.id, median(tries.map(({ rate }) => rate)))
        }
      }
      if (load.paced) {
        const generator = yield* Paced.make
        yield* rounds(running, (one) => paced(one, load, seconds, capacities.get(one.id) ?? 0, generator))
      } else yield* rounds(running, (one) => closed(one, load, seconds))
      return samples
    })
  )
