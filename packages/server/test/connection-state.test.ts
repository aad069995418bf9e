/** The table of a connection's life, pair by pair: what may follow what is written out here a second time. */
import * as fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { ConnectionId } from "@nvo/protocol"
import { Cause, Clock, Context, Effect } from "effect"
import * as ConnectionState from "../src/ConnectionState.ts"
import * as Deadlines from "../src/Deadlines.ts"
import { Connection } from "../src/internal/connection.ts"
import type { EngineContext } from "../src/internal/engineContext.ts"
import * as ServerConfig from "../src/ServerConfig.ts"
import type * as Transport from "../src/Transport.ts"

const expected: Record<string, ConnectionState.Phase> = {
  "Idle OctetsRead": "Reading",
  "Idle HeadRead": "Handling",
  "Idle Refused": "Lingering",
  "Idle Finished": "Closed",
  "Reading OctetsRead": "Reading",
  "Reading HeadRead": "Handling",
  "Reading Refused": "Lingering",
  "Reading Finished": "Closed",
  "Handling HeadSent": "Responding",
  "Handling Switched": "Upgraded",
  "Handling Finished": "Closed",
  "Responding ResponseSent": "Draining",
  "Responding Ended": "Lingering",
  "Responding Finished": "Closed",
  "Draining Reused": "Idle",
  "Draining Ended": "Lingering",
  "Draining Finished": "Closed",
  "Lingering Finished": "Closed",
  "Upgraded Finished": "Closed"
}

const id = ConnectionId.make(7)

const transport: Transport.Connection = {
  id,
  peerAddress: undefined,
  peerPort: undefined,
  tls: undefined,
  pull: Cause.done(),
  write: () => Effect.void,
  end: Effect.void,
  reset: Effect.void,
  endUnsafe: () => true,
  flushUnsafe: () => true,
  roomUnsafe: () => true,
  close: Effect.void,
  writeUnsafe: () => true,
  bytesRead: 0,
  bytesWritten: 0,
  bytesQueued: 0,
  pullUnsafe: () => false,
  wake: () => {},
  divert: () => {},
  goOn: () => {},
  onDeparture: undefined
}

// Only its configuration and context are asked for before a connection runs.
const engine = {
  config: ServerConfig.defaults,
  context: Context.empty(),
  deadlines: new Deadlines.Deadlines(Context.empty(), Effect.runSync(Clock.Clock))
} as unknown as EngineContext

/** What leads from the first phase to each other, the shortest way. */
const ways = new Map<ConnectionState.Phase, ReadonlyArray<ConnectionState.Input>>([["Idle", []]])
for (const [phase, way] of ways) {
  for (const input of ConnectionState.inputs) {
    const to = expected[`${phase} ${input}`]
    if (to !== undefined && !ways.has(to)) ways.set(to, [...way, input])
  }
}

/** A connection that was led to a phase. */
const inPhase = (phase: ConnectionState.Phase): Connection => {
  const connection = new Connection(engine, transport, 0, false)
  for (const input of ways.get(phase) ?? []) connection.advance(ConnectionState.code[input])
  assert.strictEqual(connection.phase, phase)
  return connection
}

/** What a transition throws. */
const thrownBy = (transition: () => unknown): unknown => {
  try {
    transition()
  } catch (error) {
    return error
  }
  return undefined
}

const pairs = ConnectionState.phases.flatMap((phase) =>
  ConnectionState.inputs.map((input) => [phase, input] as const)
)

describe("ConnectionState", () => {
  it("knows eight phases and nine inputs", () => {
    assert.strictEqual(pairs.length, 8 * 9)
    assert.strictEqual(new Set(pairs.map(String)).size, 8 * 9)
  })

  for (const [phase, input] of pairs) {
    const to = expected[`${phase} ${input}`]
    it(`${phase}, ${input}: ${to ?? "cannot happen"}`, () => {
      assert.strictEqual(ConnectionState.next(phase, input), to)
      const connection = inPhase(phase)
      const [from, code] = [ConnectionState.phaseCode(phase), ConnectionState.code[input]]
      if (to !== undefined) {
        assert.strictEqual(ConnectionState.phases[ConnectionState.advance(from, code)], to)
        connection.advance(code)
        assert.strictEqual(connection.phase, to)
        return
      }
      for (const transition of [() => ConnectionState.advance(from, code), () => connection.advance(code)]) {
        const error = thrownBy(transition)
        assert.instanceOf(error, ConnectionState.IllegalTransition)
        assert.deepStrictEqual([error.phase, error.input], [phase, input])
        assert.strictEqual(error.message, `${input} cannot happen in ${phase}`)
      }
      assert.strictEqual(connection.phase, phase)
    })
  }

  it("reaches every phase from the first", () => {
    const reached = new Set<ConnectionState.Phase>()
    const visit = (phase: ConnectionState.Phase): void => {
      if (reached.has(phase)) return
      reached.add(phase)
      for (const input of ConnectionState.inputs) {
        const to = ConnectionState.next(phase, input)
        if (to !== undefined) visit(to)
      }
    }
    visit(ConnectionState.initial)
    assert.deepStrictEqual([...reached].sort(), [...ConnectionState.phases].sort())
  })

  it("begins new connections in its first phase", () => {
    assert.strictEqual(new Connection(engine, transport, 0, false).phase, "Idle")
  })

  it("ends in Closed and nowhere else, which every phase can reach at once", () => {
    const ends = ConnectionState.phases.filter((phase) =>
      ConnectionState.inputs.every((input) => ConnectionState.next(phase, input) === undefined)
    )
    assert.deepStrictEqual(ends, ["Closed"])
    for (const phase of ConnectionState.phases) {
      if (phase !== "Closed") assert.strictEqual(ConnectionState.next(phase, "Finished"), "Closed")
    }
  })

  it("is drawn with one arrow for each entry of the table, as the documentation shows it", () => {
    const diagram = ConnectionState.toMermaid()
    const arrows = diagram.split("\n").filter((line) => line.includes("-->") && !line.includes("[*]"))
    assert.deepStrictEqual(
      arrows.map((line) => line.trim()).sort(),
      Object.entries(expected)
        .map(([pair, to]) => `${pair.split(" ")[0]} --> ${to}: ${pair.split(" ")[1]}`)
        .sort()
    )
    const architecture = fs.readFileSync(new URL("../../../docs/architecture.md", import.meta.url), "utf8")
    assert.include(architecture, `\`\`\`mermaid\n${diagram}\n\`\`\``)
  })
})
