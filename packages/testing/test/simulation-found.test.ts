/** What simulated runs have found, each as the smallest run that showed it. */

import { assert, describe, it } from "@effect/vitest"
import { FaultPlan, Simulation } from "@nvo/testing"

type Ask = Simulation.Http2Script["asks"][number]
type Send = Simulation.SocketScript["sends"][number]

// A run without faults, clients and limits.
const empty = (limits: Partial<Simulation.Scenario["limits"]> = {}): Simulation.Scenario => {
  const drawn = Simulation.draw(0)
  const none = Object.fromEntries(Object.keys(drawn.limits).map((name) => [name, 0]))
  return {
    ...drawn,
    plan: FaultPlan.none,
    shuffle: false,
    stepsBeforeYield: 2_048,
    stopAt: undefined,
    highWaterMark: 65_536,
    limits: { ...none, ...limits } as Simulation.Scenario["limits"],
    clients: [],
    http2: [],
    sockets: []
  }
}

const http2 = (
  script: Partial<Simulation.Http2Script>,
  asks: ReadonlyArray<Partial<Ask>>,
  limits: Partial<Simulation.Scenario["limits"]> = {}
): Simulation.Scenario => ({
  ...empty(limits),
  http2: [
    {
      start: 0,
      concurrency: 1,
      greedy: false,
      window: 65_535,
      tableBytes: 4_096,
      credit: { every: 1, delay: 0 },
      changes: [],
      firstOctets: 0,
      pings: 0,
      readGap: 0,
      think: 0,
      ending: { _tag: "Close" },
      ...script,
      asks: asks.map((ask, i) => ({
        id: i + 1,
        kind: "Text",
        method: "GET",
        minorVersion: 1,
        body: 0,
        chunk: 0,
        expectContinue: false,
        size: 2,
        pieces: 1,
        sleep: 0,
        reset: undefined,
        fragment: 0,
        padding: 0,
        trailers: false,
        socket: undefined,
        ...ask
      }))
    }
  ]
})

const webSocket = (
  script: Partial<Simulation.SocketScript>,
  sends: ReadonlyArray<Partial<Send>>
): Simulation.Scenario => ({
  ...empty(),
  sockets: [
    {
      start: 0,
      id: 100,
      closesAfter: 0,
      eager: false,
      readGap: 0,
      ending: { _tag: "Close", code: 1_000 },
      ...script,
      sends: sends.map((send, i) => ({
        id: i + 1,
        binary: true,
        size: 2,
        fragments: 1,
        pings: 0,
        pongs: 0,
        gap: 0,
        ...send
      }))
    }
  ]
})

const holds = (scenario: Simulation.Scenario): Simulation.Outcome => {
  const outcome = Simulation.run(scenario)
  if (outcome.violations.length > 0) assert.fail(Simulation.format(outcome))
  return outcome
}

describe("an HTTP/2 connection", () => {
  it("does not wait for ever for a body that nobody wants, and whose end does not come", () => {
    const { lines } = holds(
      http2({ ending: { _tag: "StopAt", octets: 200 } }, [{ kind: "Ignore", method: "POST", body: 140 }])
    )
    assert.include(
      lines.map(({ text }) => text),
      "→ stream 1 is reset: NO_ERROR"
    )
  })

  it("keeps its last answer from the reset that what its peer still sends would bring about", () => {
    holds(http2({ readGap: 10 }, [{ kind: "Stream", size: 3 }], { requestsPerConnection: 1 }))
  })

  it("does not count what a request waits to be let in as its handler's time", () => {
    const scenario = http2({ concurrency: 2 }, [{ sleep: 172 }, { kind: "Stream" }], {
      inFlightCount: 1,
      handlerTimeout: 130
    })
    const { lines } = holds(scenario)
    assert.include(
      lines.map(({ text }) => text),
      "→ stream 3 has 200"
    )
  })

  it("bears a client that opens its window by an octet, and meets pages of errors in place of its responses", () => {
    const late = { sleep: 118 }
    const { lines } = holds(http2({ window: 0 }, [late, late, late], { handlerTimeout: 52 }))
    assert.strictEqual(lines.filter(({ text }) => /^→ stream \d has 503$/.test(text)).length, 3)
  })

  it("is in use by requests that are answered at once", () => {
    const ask = { kind: "Echo", method: "POST", body: 3 } as const
    const { lines } = holds(http2({ think: 238 }, [ask, ask, ask, ask, ask, ask], { idleTimeout: 1_017 }))
    assert.include(
      lines.map(({ text }) => text),
      "→ stream 11 has 200"
    )
  })

  it("may refuse, behind a complete response too, what was sent before the client knew its window", () => {
    const { lines } = holds({
      ...http2({ greedy: true }, [{ kind: "Ignore", method: "POST", body: 256 }], { http2StreamWindow: 200 }),
      plan: { ...FaultPlan.none, toServer: { ...FaultPlan.calm, buffer: 64 } }
    })
    assert.include(
      lines.map(({ text }) => text),
      "→ stream 1 is reset: FLOW_CONTROL_ERROR"
    )
  })

  it("may have no response in time for an empty body whose end stands behind another's octets", () => {
    const { lines } = holds({
      ...http2(
        { concurrency: 2 },
        [
          { kind: "Echo", method: "POST", body: 50_000 },
          { kind: "Echo", method: "POST" }
        ],
        { handlerTimeout: 177 }
      ),
      plan: { ...FaultPlan.none, toServer: { ...FaultPlan.calm, latency: [30, 30], buffer: 4_000 } }
    })
    assert.include(
      lines.map(({ text }) => text),
      "→ stream 3 has 503"
    )
  })

  it("closes a WebSocket behind what its peer takes slowly, which waits in the connection", () => {
    const send = { binary: true, fragments: 1, pings: 0, pongs: 0, gap: 0 }
    const { lines } = holds({
      // What is sent fills the window that every connection begins with.
      ...http2({ readGap: 33, credit: { every: 8_414, delay: 0 } }, [
        { kind: "Stream", size: 160 },
        { kind: "Echo", method: "POST", body: 298 },
        {
          kind: "Text",
          socket: {
            id: 6_500,
            sends: [221, 64_625, 261, 0].map((size, i) => ({ ...send, id: 6_501 + i, size })),
            closesAfter: 0,
            eager: false,
            stall: undefined,
            ending: { _tag: "CloseSoon", code: 1_000 }
          }
        }
      ]),
      plan: { ...FaultPlan.none, toClient: { ...FaultPlan.calm, buffer: 500 } }
    })
    const texts = lines.map(({ text }) => text.trim())
    assert.include(texts, "→ message 6502 comes back")
    assert.include(texts, "→ the server closes with 1000")
  })
})

describe("a WebSocket", () => {
  it("that the application closes hears its peer's answer behind messages that nobody reads", () => {
    holds(webSocket({ closesAfter: 1 }, [{}, { size: 80_000 }]))
  })

  // The client takes 40,000 octets in pieces of 101, 25 ms apart: ten seconds, twice the deadline for a Close.
  const slowly = { ...FaultPlan.calm, segment: [101, 101], buffer: 4_000 } as const

  it("that takes what it was sent slowly is waited for until it has the Close frame", () => {
    holds({
      ...webSocket({ closesAfter: 2, readGap: 25 }, [{}, { size: 40_000 }]),
      plan: { ...FaultPlan.none, toClient: slowly }
    })
  })

  it("whose connection was lost before it was accepted is no failure of the application", () => {
    const one = webSocket({ eager: true }, [{ size: 9_990 }])
    const { lines } = holds({
      ...one,
      seed: 2,
      // The first is not accepted, and the second has to wait for that.
      sockets: [...one.sockets, { ...one.sockets[0], id: 200, start: 10 }],
      plan: {
        ...FaultPlan.none,
        acceptError: 0.5,
        toServer: { ...FaultPlan.calm, reset: { chance: 1, after: [8_000, 8_000] } }
      }
    })
    const texts = lines.map(({ text }) => text.trim())
    assert.include(texts, "handler of request 200 fails")
    assert.include(texts, "! WriteFailed: The network lost the connection (c2)")
  })
})
