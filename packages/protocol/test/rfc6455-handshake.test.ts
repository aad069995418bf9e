/** The opening handshake, RFC 6455 §4, from both sides. */
import { assert, describe, it } from "@effect/vitest"
import * as ConnectionId from "@nvo/protocol/http/ConnectionId"
import * as FieldSection from "@nvo/protocol/http/FieldSection"
import * as Handshake from "@nvo/protocol/websocket/Handshake"
import * as WebSocketError from "@nvo/protocol/websocket/WebSocketError"

type Fields = Readonly<Record<string, string | ReadonlyArray<string>>>

const section = (fields: Fields) =>
  FieldSection.make(
    Object.entries(fields).flatMap(([name, values]) =>
      (typeof values === "string" ? [values] : values).map((value) => [name, value] as const)
    )
  )

const good: Fields = {
  Host: "server.example.com",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13"
}

const accept = (fields: Fields, options?: Handshake.ServerOptions) =>
  Handshake.accept({ method: "GET", minorVersion: 1, fields: section({ ...good, ...fields }) }, options)

const without = (name: string) => accept({ [name]: [] })

describe("RFC 6455 §4.2.2: a server's answer", () => {
  it("has the accept value of the RFC's example", () => {
    assert.deepStrictEqual(accept({}).fields, {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    })
  })

  const accepted: Readonly<Record<string, Fields>> = {
    "Upgrade in any case": { Upgrade: "WebSocket" },
    "Connection as a list in any case": { Connection: "keep-alive, UPGRADE" },
    "Connection on two lines": { Connection: ["keep-alive", "Upgrade"] },
    "an Origin": { Origin: "https://example.com" },
    "an unknown extension": { "Sec-WebSocket-Extensions": 'foo; bar="baz"; qux, x-y' },
    "an empty list of extensions": { "Sec-WebSocket-Extensions": " , " }
  }
  for (const [name, fields] of Object.entries(accepted)) {
    it(`is 101 for ${name}`, () => {
      const result = accept(fields)
      assert.strictEqual(result._tag, "Accepted")
      assert.isUndefined(result.fields["sec-websocket-extensions"])
    })
  }

  it("has the server's first subprotocol that the client speaks, whatever the client's order", () => {
    const result = accept(
      { "Sec-WebSocket-Protocol": ["chat, superchat", "v2"] },
      { protocols: ["v3", "superchat", "chat"] }
    )
    assert.strictEqual(result.fields["sec-websocket-protocol"], "superchat")
    assert.strictEqual(result._tag === "Accepted" && result.protocol, "superchat")
    assert.deepStrictEqual(result._tag === "Accepted" && [...result.requestedProtocols], [
      "chat",
      "superchat",
      "v2"
    ])
  })

  it("has the client's first subprotocol where the server takes any", () => {
    const taken = accept({ "Sec-WebSocket-Protocol": "b, a" }, { protocols: "any" })
    assert.strictEqual(taken.fields["sec-websocket-protocol"], "b")
    assert.isUndefined(accept({}, { protocols: "any" }).fields["sec-websocket-protocol"])
  })

  it("has no subprotocol where they share none, and compares with case", () => {
    const result = accept({ "Sec-WebSocket-Protocol": "Chat" }, { protocols: ["chat"] })
    assert.strictEqual(result._tag, "Accepted")
    assert.isUndefined(result.fields["sec-websocket-protocol"])
  })

  it("compresses only where the server wants to", () => {
    const fields = { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" }
    assert.isUndefined(accept(fields).fields["sec-websocket-extensions"])
    const result = accept(fields, { deflate: {} })
    assert.strictEqual(result.fields["sec-websocket-extensions"], "permessage-deflate")
  })
})

describe("RFC 6455 §4.2.1: a server refuses", () => {
  const refusals: ReadonlyArray<
    readonly [what: string, tag: WebSocketError.ReasonTag, status: number, result: ReturnType<typeof accept>]
  > = [
    [
      "another method",
      "MethodNotGet",
      405,
      Handshake.accept({ method: "POST", minorVersion: 1, fields: section(good) })
    ],
    [
      "HTTP/1.0",
      "HandshakeNotHttp11",
      400,
      Handshake.accept({ method: "GET", minorVersion: 0, fields: section(good) })
    ],
    ["no Upgrade", "MissingUpgrade", 426, without("Upgrade")],
    ["an Upgrade to something else", "MissingUpgrade", 426, accept({ Upgrade: "h2c" })],
    ["an Upgrade that only contains the word", "MissingUpgrade", 426, accept({ Upgrade: "websocket2" })],
    ["no Connection", "MissingConnectionUpgrade", 400, without("Connection")],
    ["a Connection without upgrade", "MissingConnectionUpgrade", 400, accept({ Connection: "keep-alive" })],
    ["no key", "MissingKey", 400, without("Sec-WebSocket-Key")],
    [
      "two keys",
      "DuplicateKey",
      400,
      accept({ "Sec-WebSocket-Key": ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="] })
    ],
    ["a key of 15 octets", "InvalidKey", 400, accept({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j" })],
    ["a key of 17 octets", "InvalidKey", 400, accept({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZWE=" })],
    ["a key with loose bits", "InvalidKey", 400, accept({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZR==" })],
    [
      "a key that is not base64",
      "InvalidKey",
      400,
      accept({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j*Q==" })
    ],
    ["no version", "MissingVersion", 426, without("Sec-WebSocket-Version")],
    ["version 8", "UnsupportedVersion", 426, accept({ "Sec-WebSocket-Version": "8" })],
    ["version 013", "UnsupportedVersion", 426, accept({ "Sec-WebSocket-Version": "013" })],
    ["two versions", "UnsupportedVersion", 426, accept({ "Sec-WebSocket-Version": ["13", "13"] })],
    ["a subprotocol that is no token", "InvalidProtocols", 400, accept({ "Sec-WebSocket-Protocol": "a b" })],
    ["a subprotocol twice", "DuplicateProtocol", 400, accept({ "Sec-WebSocket-Protocol": ["a, b", "a"] })],
    [
      "extensions outside their grammar",
      "InvalidExtensions",
      400,
      accept({ "Sec-WebSocket-Extensions": "a; =b" })
    ],
    ["an open quote", "InvalidExtensions", 400, accept({ "Sec-WebSocket-Extensions": 'a; b="c' })],
    [
      "a quoted value that is no token",
      "InvalidExtensions",
      400,
      accept({ "Sec-WebSocket-Extensions": 'a; b="c d"' })
    ]
  ]
  for (const [what, tag, status, result] of refusals) {
    it(`${what}: ${tag}, ${status}`, () => {
      if (result._tag !== "Refused") return assert.fail("It was accepted")
      assert.strictEqual(result.error.reason._tag, tag)
      assert.strictEqual(result.error.status, status)
    })
  }

  it("each reason is reached by a case", () => {
    const reached = new Set(refusals.map(([_, tag]) => tag))
    const all = Object.entries(WebSocketError.reasons).filter(
      ([_, r]) => r.phase === "Handshake" && r.status > 0
    )
    assert.deepStrictEqual(
      all.map(([tag]) => tag).filter((tag) => !reached.has(tag as WebSocketError.ReasonTag)),
      []
    )
  })

  it("§4.4: says which version it speaks", () => {
    for (const result of [accept({ "Sec-WebSocket-Version": "25" }), without("Sec-WebSocket-Version")]) {
      assert.strictEqual(result.fields["sec-websocket-version"], "13")
      // RFC 9110 §15.5.22: a 426 names the protocol.
      assert.strictEqual(result.fields.upgrade, "websocket")
    }
  })

  it("RFC 9110 §15.5.6: a 405 says which method would do", () => {
    const result = Handshake.accept({ method: "POST", minorVersion: 1, fields: section(good) })
    assert.strictEqual(result.fields.allow, "GET")
  })

  it("with an error that names the connection", () => {
    const result = accept({ Upgrade: "h2c" }, { connectionId: ConnectionId.make(7) })
    assert.include(result._tag === "Refused" ? result.error.message : "", "c7")
  })
})

describe("RFC 6455 §4.1: a client", () => {
  const nonce = new TextEncoder().encode("the sample nonce")
  const answer: Fields = {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
  }
  const verify = (fields: Fields, options: Partial<Handshake.ClientOptions> = {}, status = 101) =>
    Handshake.verify({ status, fields: section({ ...answer, ...fields }) }, { nonce, ...options })

  it("asks with the RFC's fields", () => {
    const fields = Handshake.requestFields({ nonce, protocols: ["chat", "v2"], deflate: {} })
    assert.deepStrictEqual(fields, {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-version": "13",
      "sec-websocket-protocol": "chat, v2",
      "sec-websocket-extensions": "permessage-deflate; client_max_window_bits"
    })
    assert.deepStrictEqual(Object.keys(Handshake.requestFields({ nonce })), [
      "connection",
      "upgrade",
      "sec-websocket-key",
      "sec-websocket-version"
    ])
  })

  it("is taken by a server, and takes its answer", () => {
    const options: Handshake.ClientOptions = { nonce, protocols: ["a", "b"], deflate: {} }
    const request = { method: "GET", minorVersion: 1, fields: section(Handshake.requestFields(options)) }
    const result = Handshake.accept(request, { protocols: ["b"], deflate: {} })
    const verified = Handshake.verify({ status: 101, fields: section(result.fields) }, options)
    assert.deepStrictEqual(verified, {
      _tag: "Established",
      protocol: "b",
      deflate: result._tag === "Accepted" ? result.deflate : undefined
    })
  })

  const refusals: Readonly<Record<string, readonly [WebSocketError.ReasonTag, ReturnType<typeof verify>]>> = {
    "another status": ["StatusNot101", verify({}, {}, 200)],
    "no Upgrade": ["AnswerNotWebSocket", verify({ Upgrade: [] })],
    "no Connection": ["AnswerNotWebSocket", verify({ Connection: [] })],
    "no accept": ["WrongAccept", verify({ "Sec-WebSocket-Accept": [] })],
    "the accept of another key": [
      "WrongAccept",
      verify({ "Sec-WebSocket-Accept": "AAAALMBiTxaQ9kYGzzhZRbK+xOo=" })
    ],
    "an extension that was not offered": [
      "UnrequestedExtension",
      verify({ "Sec-WebSocket-Extensions": "permessage-deflate" })
    ],
    "the extension twice": [
      "UnrequestedExtension",
      verify({ "Sec-WebSocket-Extensions": "permessage-deflate, permessage-deflate" }, { deflate: {} })
    ],
    "extensions outside their grammar": ["InvalidExtensions", verify({ "Sec-WebSocket-Extensions": ";" })],
    "an extension with unknown parameters": [
      "InvalidExtensionAnswer",
      verify({ "Sec-WebSocket-Extensions": "permessage-deflate; x" }, { deflate: {} })
    ],
    "a subprotocol that was not offered": [
      "UnrequestedProtocol",
      verify({ "Sec-WebSocket-Protocol": "c" }, { protocols: ["a"] })
    ],
    "two subprotocols": [
      "UnrequestedProtocol",
      verify({ "Sec-WebSocket-Protocol": ["a", "b"] }, { protocols: ["a", "b"] })
    ]
  }
  for (const [what, [tag, result]] of Object.entries(refusals)) {
    it(`refuses ${what}: ${tag}`, () => {
      assert.strictEqual(result._tag === "Refused" ? result.error.reason._tag : "none", tag)
    })
  }
})
