/**
 * The budgets of HTTP/2, RFC 9113 §10.5: n is taken, n + 1 ends the connection with ENHANCE_YOUR_CALM, and a tenth of
 * a budget comes back each second.
 */
import { assert, describe, it } from "@effect/vitest"
import * as FloodGuard from "@nvo/protocol/http2/FloodGuard"
import { fromHex } from "./support/hex.ts"
import { data, failsWith, get, having, Peer, post } from "./support/http2Peer.ts"

const BURST = 10

interface Flood {
  readonly reason: string
  readonly prepare?: (peer: Peer) => void
  /** Spends one. */
  readonly once: (peer: Peer, i: number) => ReadonlyArray<string>
}

const floods: { readonly [N in FloodGuard.Name]: Flood } = {
  resets: {
    reason: "RapidReset",
    once: (peer, i) => {
      const streamId = 1 + i * 2
      return [...peer.request(streamId), ...peer.send({ _tag: "RstStream", streamId, code: 8 })]
    }
  },
  provokedResets: {
    reason: "ProvokedResets",
    once: (peer, i) => [
      ...peer.request(1 + i * 2),
      ...peer.send({ _tag: "WindowUpdate", streamId: 1 + i * 2, increment: 0 })
    ]
  },
  settings: {
    reason: "SettingsFlood",
    once: (peer) => peer.send({ _tag: "Settings", ack: false, entries: [] })
  },
  pings: {
    reason: "PingFlood",
    once: (peer) => peer.send({ _tag: "Ping", ack: false, data: new Uint8Array(8) })
  },
  emptyFrames: {
    reason: "EmptyFrameFlood",
    prepare: (peer) => void peer.begin(1),
    once: (peer) => peer.send(data(1, ""))
  },
  priorities: {
    reason: "PriorityFlood",
    once: (peer, i) =>
      i % 2 === 0
        ? peer.send({ _tag: "PriorityUpdate", prioritizedStreamId: 1, value: "u=1" })
        : peer.send({
            _tag: "Priority",
            streamId: 1,
            dependency: { exclusive: false, streamId: 0, weight: 1 }
          })
  },
  tinyWindows: {
    reason: "TinyWindows",
    prepare: (peer) => {
      peer.send({ _tag: "Settings", ack: false, entries: [[4, 0]] })
      peer.request(1)
      peer.connection.respond(1, { status: 200, fields: {}, bodyLength: undefined }, undefined)
      peer.connection.send(1, new Uint8Array(1_000))
      peer.read()
    },
    once: (peer) => {
      peer.send({ _tag: "WindowUpdate", streamId: 1, increment: 1 })
      peer.connection.pump(1_000)
      const { error } = peer.connection
      return error === undefined ? [] : [`connection ${error.code} ${error.reason._tag}`]
    }
  },
  windowUpdates: {
    reason: "WindowUpdateFlood",
    once: (peer) => peer.send({ _tag: "WindowUpdate", streamId: 0, increment: 1 })
  },
  refusals: {
    reason: "RefusalFlood",
    once: (peer, i) => {
      const events = peer.request(1 + i * 2, [...get, ["expect", "something"]])
      return events.filter((event) => !event.startsWith("refused"))
    }
  },
  ignored: {
    reason: "IgnoredFrameFlood",
    once: (peer) => peer.octets(fromHex("000000 fa 00 00000000"))
  }
}

// `Peer.open` spends two SETTINGS.
const spent: { readonly [N in FloodGuard.Name]?: number } = { settings: 2 }
// `prepare` of tiny windows sends one more.
const prepared = (name: FloodGuard.Name) => (spent[name] ?? 0) + BURST

describe("RFC 9113 §10.5 floods", () => {
  for (const name of Object.keys(floods) as ReadonlyArray<FloodGuard.Name>) {
    const { once, prepare, reason } = floods[name]
    const open = () => {
      const peer = Peer.open({ bursts: { [name]: prepared(name) } })
      prepare?.(peer)
      return peer
    }

    it(`${name}: ${BURST} are taken, one more is ${reason}`, () => {
      const peer = open()
      for (let i = 0; i < BURST; i++) {
        once(peer, i)
        assert.strictEqual(peer.connection.phase, "Open")
      }
      failsWith(once(peer, BURST), peer, "ENHANCE_YOUR_CALM", reason)
    })

    it(`${name}: as many as before after ten seconds`, () => {
      const peer = open()
      peer.now = 1_000
      for (let i = 0; i < BURST; i++) once(peer, i)
      peer.now += 10_000
      for (let i = 0; i < BURST; i++) once(peer, BURST + i)
      assert.strictEqual(peer.connection.phase, "Open")
    })
  }

  it("time that stands still or runs backwards gives nothing back", () => {
    const guard = new FloodGuard.FloodGuard({ pings: 2 })
    assert.isUndefined(guard.spend("pings", 1_000))
    assert.isUndefined(guard.spend("pings", 500))
    assert.strictEqual(guard.spend("pings", 500), "PingFlood")
  })

  it("a budget of 0 allows none", () => {
    assert.strictEqual(new FloodGuard.FloodGuard({ pings: 0 }).spend("pings", 0), "PingFlood")
  })

  it("no budget grows above its burst", () => {
    const guard = new FloodGuard.FloodGuard({ pings: 2 })
    guard.spend("pings", 0)
    assert.isUndefined(guard.spend("pings", 1_000_000))
    assert.isUndefined(guard.spend("pings", 1_000_000))
    assert.strictEqual(guard.spend("pings", 1_000_000), "PingFlood")
  })

  it("every budget names what it counts and the attack that it is for", () => {
    for (const { attack, burst, counts } of Object.values(FloodGuard.budgets)) {
      assert.isAbove(burst, 0)
      assert.isAbove(counts.length, 10)
      assert.isAbove(attack.length, 10)
    }
  })
})

describe("windows that leave a rest", () => {
  // A peer that gives back what it has taken, whenever that is half of its window, leaves rests of a few octets now
  // and then: they cost it nothing, since its windows are large.
  const download = (rest: number) => {
    const peer = Peer.open({ bursts: { tinyWindows: BURST } })
    peer.send({ _tag: "Settings", ack: false, entries: [[4, 4_096 + rest]] })
    peer.request(1)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: undefined }, undefined)
    const give = (streamId: number, increment: number) =>
      peer.send({ _tag: "WindowUpdate", streamId, increment })
    give(0, 1_000_000)
    peer.connection.send(1, new Uint8Array(1_000_000))
    for (let i = 0; i < 2 * BURST; i++) {
      give(1, 4_096)
      peer.connection.pump(1_000_000)
      give(1, rest)
      peer.connection.pump(1_000_000)
    }
    return peer.connection
  }

  it("a tiny frame behind 4,096 octets is nobody's fault", () => {
    assert.isUndefined(download(1).error)
    assert.isUndefined(download(255).error)
  })

  it("a tiny frame behind fewer is counted", () => {
    const peer = Peer.open({ bursts: { tinyWindows: 0 } })
    peer.send({ _tag: "Settings", ack: false, entries: [[4, 4_095]] })
    peer.request(1)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: undefined }, undefined)
    peer.connection.send(1, new Uint8Array(1_000_000))
    peer.connection.pump(1_000_000)
    peer.send({ _tag: "WindowUpdate", streamId: 1, increment: 1 })
    peer.connection.pump(1_000_000)
    assert.strictEqual(peer.connection.error?.reason._tag, "TinyWindows")
  })
})

describe("VU#421644 CONTINUATION flood", () => {
  const begin = (peer: Peer) => peer.octets(fromHex("000001 01 01 00000001 82"))
  const more = "000001 09 00 00000001 86"

  it("n CONTINUATION frames are taken, one more is ContinuationFlood", () => {
    const peer = Peer.open({ continuations: 3 })
    begin(peer)
    for (let i = 0; i < 3; i++) assert.deepStrictEqual(peer.octets(fromHex(more)), [])
    failsWith(peer.octets(fromHex(more)), peer, "ENHANCE_YOUR_CALM", "ContinuationFlood")
  })

  it("a block of n octets is taken, of one more it is HeaderBlockTooLarge, in one frame and in two", () => {
    const { length } = new Peer().headers(1, get).fragment
    assert.deepStrictEqual(Peer.open({ headerBlockBytes: length }).request(1), ["head 1 GET / None"])
    const peer = Peer.open({ headerBlockBytes: length - 1 })
    failsWith(peer.request(1), peer, "ENHANCE_YOUR_CALM", "HeaderBlockTooLarge")
    const other = Peer.open({ headerBlockBytes: 2 })
    begin(other)
    assert.deepStrictEqual(other.octets(fromHex(more)), [])
    failsWith(other.octets(fromHex(more)), other, "ENHANCE_YOUR_CALM", "HeaderBlockTooLarge")
  })
})

describe("HPACK bombs", () => {
  it("a small block that stands for a large list is answered with 431, and nothing of it is kept", () => {
    const peer = Peer.open()
    // A field of 4,000 octets in the table, and 200 references to it.
    peer.request(1, [...get, ["x", "y".repeat(3_900)]])
    const fields = Array.from({ length: 200 }, () => ["x", "y".repeat(3_900)] as const)
    const block = peer.headers(3, [...get, ...fields])
    assert.isBelow(block.fragment.length, 300)
    assert.deepStrictEqual(peer.send(block), ["refused 3 431 HeaderListTooLarge"])
    assert.deepStrictEqual(peer.request(5), ["head 5 GET / None"])
  })
})

describe("what many streams hold", () => {
  it("the connection's window bounds the data that nobody has taken", () => {
    const peer = Peer.open()
    let held = 0
    for (let streamId = 1; streamId < 200; streamId += 2) {
      peer.begin(streamId, having(post, ":method", "PUT"))
      for (let i = 0; i < 16 && peer.connection.phase === "Open"; i++) {
        if (peer.send(data(streamId, 16_384))[0]?.startsWith("data")) held += 16_384
      }
    }
    assert.strictEqual(peer.connection.error?.reason._tag, "ConnectionWindowExceeded")
    assert.strictEqual(held, 1_048_576)
  })
})
