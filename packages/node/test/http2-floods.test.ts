/**
 * Floods of HTTP/2 at full speed from one peer, which connects again whenever it is cut off: the memory of the server stays
 * bounded, the connection ends as it is due, and a client on another connection is served meanwhile.
 *
 * `NVO_FLOOD_SECONDS` says for how long each (0.4); a second or more prints the table of docs/guides/http2-floods.md.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Http2Wire from "./support/http2Wire.ts"
import { run } from "./support/peersPrograms.ts"
import { hasProc, most, server } from "./support/serverProcess.ts"

const SECONDS = Number(process.env.NVO_FLOOD_SECONDS ?? 0.4)
const MIB = 1_048_576

// A heap may grow before it is collected, and the process with it: what the largest flood may add. A connection that
// holds everything that it may is bounded by 17 MiB (docs/guides/http2-floods.md).
const MEMORY = 192 * MIB

// The longest that a client on another connection may wait, in milliseconds, on a machine that runs other tests too.
const PATIENCE = 5_000

// What the table is held to, where there is one: the median and the slowest hundredth beyond those of a quiet server.
const MEDIAN = 25
const SLOWEST = 250

const program = new URL("./support/http2Flooder.ts", import.meta.url).pathname

interface Told {
  readonly connections: number
  readonly octets: number
  readonly ends: Readonly<Record<string, number>>
  readonly resets: Readonly<Record<string, number>>
  readonly statuses: Readonly<Record<string, number>>
}

type End = (told: Told) => void

/** Cut off, again and again. */
const calm: End = ({ connections, ends }) => {
  assert.deepStrictEqual(Object.keys(ends), ["ENHANCE_YOUR_CALM"])
  assert.isAtLeast(ends.ENHANCE_YOUR_CALM, Math.max(1, connections - 1))
}

const once: End = ({ connections, ends }) => assert.deepStrictEqual([connections, ends], [1, {}])

const floods: Readonly<Record<string, End>> = {
  "rapid reset": calm,
  "provoked resets": calm,
  "more streams than are allowed": calm,
  CONTINUATION: calm,
  "empty CONTINUATION": calm,
  SETTINGS: calm,
  PING: calm,
  "empty DATA": calm,
  // As much as the windows allow, which is no fault.
  "DATA of an octet that nobody reads": once,
  priorities: calm,
  "frames of an unknown type": calm,
  "tiny windows": calm,
  "windows for nothing": calm,
  "HPACK bombs": calm,
  "header lists over the limit": calm,
  // 408, and END_STREAM with it or NO_ERROR behind it.
  "slow bodies": (told) => {
    once(told)
    assert.deepStrictEqual(Object.keys(told.statuses), ["other"])
    assert.isAtLeast(told.statuses.other, 100)
  },
  "stalled windows": (told) => {
    once(told)
    assert.deepStrictEqual(Object.keys(told.resets), ["CANCEL"])
    assert.isAtLeast(told.resets.CANCEL, 100)
  },
  "connections that leave at once": ({ connections, ends }) => {
    assert.isAtLeast(connections, 10)
    assert.deepStrictEqual(
      Object.keys(ends).filter((code) => code !== "NO_ERROR"),
      []
    )
  }
}

/** Asks one thing after the other for as long as something goes on; gives how long each took, in milliseconds. */
const asked = <E, R>(port: number, during: Effect.Effect<unknown, E, R>) =>
  Effect.gen(function* () {
    const wire = yield* Http2Wire.connect(port)
    const waits: Array<number> = []
    let at = 1
    const answered = Effect.callback<void>((resume) => {
      wire.onLine = (line) => {
        if (line === `DATA ${at} 13 END`) resume(Effect.void)
      }
      wire.send(wire.headers(at, Http2Wire.get("/")))
    })
    const ask = Effect.gen(function* () {
      const before = performance.now()
      yield* answered
      waits.push(performance.now() - before)
      wire.lines.length = 0
      at += 2
      yield* Effect.sleep(5)
    })
    yield* Effect.raceFirst(Effect.forever(ask), during)
    assert.isFalse(wire.closed)
    return waits.sort((a, b) => a - b)
  })

const quantile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]

const row = (cells: ReadonlyArray<string | number>): string => `| ${cells.join(" | ")} |`

// What is too slow is given a part of the time.
const patience = `${Math.max(100, Math.min(1_000, SECONDS * 250))} millis`

describe.skipIf(!hasProc)(`floods of ${SECONDS} s from one peer`, () => {
  const scope = Scope.makeUnsafe()
  let target: Effect.Success<ReturnType<typeof server>>
  beforeAll(async () => {
    const env = { NVO_BODY_TIMEOUT: patience, NVO_WRITE_TIMEOUT: patience }
    target = await Effect.runPromise(Scope.provide(server(env), scope))
  }, 60_000)
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  for (const [name, ended] of Object.entries(floods)) {
    it.live(
      name,
      () =>
        Effect.gen(function* () {
          const { cpu, memory, port } = target
          const quiet = yield* asked(port, Effect.sleep(`${Math.min(1, SECONDS)} seconds`))
          const before = cpu()
          const flooding = Effect.map(
            run(process.execPath, [program, String(port), name, String(SECONDS)], {}, 60_000),
            ({ stdout }): Told => JSON.parse(stdout.split("\n")[1])
          )
          let told: Told | undefined
          const { grown, result: waits } = yield* most(
            memory,
            asked(
              port,
              Effect.map(flooding, (answer) => {
                told = answer
              })
            )
          )
          const taken = cpu() - before
          assert.isDefined(told)
          ended(told as Told)
          assert.isBelow(grown, MEMORY)
          assert.isBelow(waits[waits.length - 1], PATIENCE)
          if (SECONDS < 1) return
          const { connections, octets } = told as Told
          console.log(
            row([
              name,
              connections,
              (octets / MIB / SECONDS).toFixed(1),
              ((taken / SECONDS / 1_000) * 100).toFixed(0),
              (grown / MIB).toFixed(0),
              `${quantile(quiet, 0.5).toFixed(1)} / ${quantile(quiet, 0.99).toFixed(1)}`,
              `${quantile(waits, 0.5).toFixed(1)} / ${quantile(waits, 0.99).toFixed(1)}`
            ])
          )
          assert.isBelow(quantile(waits, 0.5), quantile(quiet, 0.5) + MEDIAN)
          assert.isBelow(quantile(waits, 0.99), quantile(quiet, 0.99) + SLOWEST)
        }),
      SECONDS * 1_000 + 60_000
    )
  }
})
