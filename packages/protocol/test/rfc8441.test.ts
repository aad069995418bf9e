/**
 * RFC 8441: extended CONNECT, and the handshake of a WebSocket in it. What becomes of such a stream in a server is tested
 * in `packages/node/test/rfc8441-websocket.test.ts`.
 */
import { assert, describe, it } from "@effect/vitest"
import * as FieldSection from "@nvo/protocol/http/FieldSection"
import * as Handshake from "@nvo/protocol/websocket/Handshake"
import { data, type Fields, failsWith, get, having, Peer, resetsWith, without } from "./support/http2Peer.ts"

const extended: Fields = [[":method", "CONNECT"], [":protocol", "websocket"], ...get.slice(1)]

const open = () => Peer.open({ connectProtocol: true })

const malformed = (name: string, fields: Fields, reason: string, peer: () => Peer = open) =>
  it(`${name} is a stream error PROTOCOL_ERROR`, () => {
    const made = peer()
    resetsWith(made.begin(1, fields), made, 1, "PROTOCOL_ERROR", reason)
  })

describe("RFC 8441 §3 SETTINGS_ENABLE_CONNECT_PROTOCOL", () => {
  it("is 1 where extended CONNECT is offered, and not said where it is not", () => {
    assert.include(new Peer({ connectProtocol: true }).read()[0], " 8=1 ")
    assert.notInclude(new Peer({ connectProtocol: false }).read()[0], " 8=")
  })

  it("a client's 0 and 1 are taken and change nothing", () => {
    const peer = Peer.open({ connectProtocol: false }, [[8, 1]])
    resetsWith(peer.begin(1, extended), peer, 1, "PROTOCOL_ERROR", "InvalidExtendedConnect")
    assert.deepStrictEqual(Peer.open({}, [[8, 0]]).request(1), ["head 1 GET / None"])
  })

  it("2 is a connection error PROTOCOL_ERROR", () => {
    const peer = open()
    const lines = peer.send({ _tag: "Settings", ack: false, entries: [[8, 2]] })
    failsWith(lines, peer, "PROTOCOL_ERROR", "InvalidSetting")
  })

  it("0 after 1 is a connection error PROTOCOL_ERROR", () => {
    const peer = Peer.open({}, [[8, 1]])
    const lines = peer.send({ _tag: "Settings", ack: false, entries: [[8, 0]] })
    failsWith(lines, peer, "PROTOCOL_ERROR", "InvalidSetting")
  })
})

describe("RFC 8441 §4 the extended CONNECT method", () => {
  it("is a request with a scheme, a path, an authority and a protocol", () => {
    assert.deepStrictEqual(open().begin(1, having(extended, ":path", "/chat?a=b")), [
      "head 1 CONNECT /chat?a=b Stream"
    ])
  })

  it("its authority is that of a request, not that of a CONNECT: a port is not needed", () => {
    assert.deepStrictEqual(open().begin(1, having(extended, ":authority", "example.com")), [
      "head 1 CONNECT / Stream"
    ])
  })

  malformed("one that was not offered", extended, "InvalidExtendedConnect", () =>
    Peer.open({ connectProtocol: false })
  )
  malformed(":protocol with another method", having(extended, ":method", "GET"), "InvalidExtendedConnect")
  malformed(
    ":protocol that is no token",
    having(extended, ":protocol", "web socket"),
    "InvalidExtendedConnect"
  )
  malformed(":protocol without a value", having(extended, ":protocol", ""), "InvalidExtendedConnect")
  malformed(":protocol twice", [...extended, [":protocol", "websocket"]], "DuplicatePseudoField")
  malformed("one without :scheme", without(extended, ":scheme"), "MissingPseudoField")
  malformed("one without :path", without(extended, ":path"), "MissingPseudoField")
  malformed("one without :authority", without(extended, ":authority"), "MissingAuthority")
  malformed("one with Upgrade", [...extended, ["upgrade", "websocket"]], "ConnectionSpecificField")
  malformed("one with Connection", [...extended, ["connection", "Upgrade"]], "ConnectionSpecificField")

  it("a 2xx answer opens a tunnel, and is refused where it opens none", () => {
    const peer = open()
    peer.begin(1, extended)
    const plain = { status: 200, fields: {}, bodyLength: 2 }
    const refused = peer.connection.respond(1, plain, undefined)
    assert.strictEqual((refused as { reason?: { _tag: string } }).reason?._tag, "ConnectWithoutTunnel")
    peer.connection.respond(1, { ...plain, bodyLength: undefined, tunnel: true }, undefined)
    assert.deepStrictEqual(peer.read(), ["HEADERS 1 :status: 200"])
  })

  it("data goes both ways, and END_STREAM ends a side", () => {
    const peer = open()
    peer.begin(1, extended)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: undefined, tunnel: true }, undefined)
    peer.connection.send(1, Uint8Array.of(0x61))
    assert.deepStrictEqual(peer.send(data(1, "b"), data(1, "", true)), ["data 1 b", "end 1"])
    peer.connection.finish(1)
    assert.deepStrictEqual(peer.read(), ["HEADERS 1 :status: 200", "DATA 1 a END_STREAM"])
  })

  it("HEADERS on the stream are a stream error PROTOCOL_ERROR", () => {
    const peer = open()
    peer.begin(1, extended)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: undefined, tunnel: true }, undefined)
    peer.read()
    resetsWith(peer.send(peer.headers(1, [["x", "y"]])), peer, 1, "PROTOCOL_ERROR", "HeadersInTunnel")
  })

  it("another answer is a response like any other", () => {
    const peer = open()
    peer.begin(1, extended)
    peer.connection.respond(1, { status: 404, fields: {}, bodyLength: 0 }, undefined)
    assert.deepStrictEqual(peer.read(), ["HEADERS 1 :status: 404, content-length: 0 END_STREAM"])
  })
})

describe("RFC 8441 §5 the handshake of a WebSocket", () => {
  const accept = (
    fields: ReadonlyArray<readonly [string, string]>,
    options?: Handshake.ServerOptions,
    protocol = "websocket"
  ) => Handshake.acceptConnect({ protocol, fields: FieldSection.make(fields) }, options)

  const version = ["sec-websocket-version", "13"] as const

  it("needs no key, and the answer has no Accept, Upgrade or Connection", () => {
    const result = accept([version])
    assert.strictEqual(result._tag, "Accepted")
    assert.deepStrictEqual(result.fields, {})
  })

  it("a key that is there has no meaning", () => {
    assert.strictEqual(accept([version, ["sec-websocket-key", "?"]])._tag, "Accepted")
  })

  it("subprotocols and extensions are agreed on as in RFC 6455", () => {
    const result = accept(
      [version, ["sec-websocket-protocol", "a, b"], ["sec-websocket-extensions", "permessage-deflate"]],
      { protocols: ["b"], deflate: {} }
    )
    assert.deepStrictEqual(result.fields, {
      "sec-websocket-protocol": "b",
      "sec-websocket-extensions": "permessage-deflate"
    })
  })

  const refuses = (
    name: string,
    fields: ReadonlyArray<readonly [string, string]>,
    reason: string,
    protocol?: string
  ) =>
    it(`${name} is refused with 400: there is no 426 without Upgrade`, () => {
      const result = accept(fields, {}, protocol)
      if (result._tag !== "Refused") return assert.fail(result._tag)
      assert.deepStrictEqual([result.error.reason._tag, result.status], [reason, 400])
      const hasVersion = reason === "MissingVersion" || reason === "UnsupportedVersion"
      assert.deepStrictEqual(result.fields, hasVersion ? { "sec-websocket-version": "13" } : {})
    })

  refuses("another protocol", [version], "MissingUpgrade", "connect-udp")
  refuses("no version", [], "MissingVersion")
  refuses("another version", [["sec-websocket-version", "8"]], "UnsupportedVersion")
  refuses("a version twice", [version, version], "UnsupportedVersion")
  refuses("a subprotocol that is no token", [version, ["sec-websocket-protocol", "a b"]], "InvalidProtocols")
  refuses("a subprotocol twice", [version, ["sec-websocket-protocol", "a, a"]], "DuplicateProtocol")
  refuses(
    "extensions outside their grammar",
    [version, ["sec-websocket-extensions", "=,"]],
    "InvalidExtensions"
  )

  it("the protocol's name may be in any case", () => {
    assert.strictEqual(accept([version], {}, "WebSocket")._tag, "Accepted")
  })
})
