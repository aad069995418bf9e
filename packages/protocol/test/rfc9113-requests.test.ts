/**
 * RFC 9113 §8: requests and their fields, responses, interim responses, trailers, CONNECT.
 */
import { assert, describe, it } from "@effect/vitest"
import * as FrameEncoder from "@nvo/protocol/http2/frame/FrameEncoder"
import { RequestHead } from "@nvo/protocol/http2/RequestHead"
import type * as ServerConnection from "@nvo/protocol/http2/ServerConnection"
import { data, type Fields, get, having, Peer, post, resetsWith, without } from "./support/http2Peer.ts"

const malformed = (name: string, fields: Fields, reason: string) =>
  it(`${name} is a stream error PROTOCOL_ERROR`, () => {
    const peer = Peer.open()
    resetsWith(peer.request(1, fields), peer, 1, "PROTOCOL_ERROR", reason)
    // The connection goes on.
    assert.deepStrictEqual(peer.request(3), ["head 3 GET / None"])
  })

const accepts = (name: string, fields: Fields, line = "head 1 GET / None") =>
  it(`${name} is taken`, () => assert.deepStrictEqual(Peer.open().request(1, fields), [line]))

const plus = (...fields: Fields): Fields => [...get, ...fields]

describe("RFC 9113 §8.1 message framing", () => {
  it("head, data, trailers", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.begin(1), ["head 1 POST / Stream"])
    assert.deepStrictEqual(peer.send(data(1, "abc"), data(1, "def")), ["data 1 abc", "data 1 def"])
    assert.deepStrictEqual(peer.send(peer.headers(1, [["x-sum", "6"]])), ["end 1 x-sum: 6"])
  })

  it("data that ends the stream", () => {
    const peer = Peer.open()
    peer.begin(1)
    assert.deepStrictEqual(peer.send(data(1, "abc", true)), ["data 1 abc", "end 1"])
  })

  it("empty data that ends the stream", () => {
    const peer = Peer.open()
    peer.begin(1)
    assert.deepStrictEqual(peer.send(data(1, "", true)), ["end 1"])
  })

  it("a second header section that does not end the stream is a stream error PROTOCOL_ERROR", () => {
    const peer = Peer.open()
    peer.begin(1)
    resetsWith(
      peer.send(peer.headers(1, [["x", "y"]], { endStream: false })),
      peer,
      1,
      "PROTOCOL_ERROR",
      "MissingEndOfTrailers"
    )
  })

  const trailers = (name: string, fields: Fields, reason: string) =>
    it(`${name} in trailers is a stream error PROTOCOL_ERROR`, () => {
      const peer = Peer.open()
      peer.begin(1)
      resetsWith(peer.send(peer.headers(1, fields)), peer, 1, "PROTOCOL_ERROR", reason)
    })
  trailers("a pseudo-header field", [[":path", "/"]], "MisplacedPseudoField")
  trailers("content-length", [["content-length", "1"]], "ForbiddenTrailer")
  trailers("a field name in upper case", [["X-Sum", "1"]], "InvalidFieldName")
  trailers("connection", [["connection", "close"]], "ConnectionSpecificField")

  it("trailers over the limit are a stream error ENHANCE_YOUR_CALM", () => {
    const peer = Peer.open({ fieldCount: 4 })
    peer.begin(1)
    const four = ["a", "b", "c", "d"].map((name) => [name, ""] as const)
    resetsWith(
      peer.send(peer.headers(1, [...four, ["e", ""]])),
      peer,
      1,
      "ENHANCE_YOUR_CALM",
      "TrailersTooLarge"
    )
    peer.begin(3)
    assert.deepStrictEqual(peer.send(peer.headers(3, four)), ["end 3 a:  b:  c:  d: "])
  })
})

describe("RFC 9113 §8.1.1 malformed messages", () => {
  const withLength = (length: string): Fields => [...post, ["content-length", length]]

  it("data of the declared length is taken", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.begin(1, withLength("3")), ["head 1 POST / Length"])
    assert.deepStrictEqual(peer.send(data(1, "abc", true)), ["data 1 abc", "end 1"])
  })

  it("more data than declared is a stream error PROTOCOL_ERROR", () => {
    const peer = Peer.open()
    peer.begin(1, withLength("3"))
    resetsWith(peer.send(data(1, "abcd")), peer, 1, "PROTOCOL_ERROR", "ContentLengthMismatch")
  })

  it("less data than declared is a stream error PROTOCOL_ERROR, by data and by trailers", () => {
    const peer = Peer.open()
    peer.begin(1, withLength("3"))
    resetsWith(peer.send(data(1, "ab", true)), peer, 1, "PROTOCOL_ERROR", "ContentLengthMismatch")
    peer.begin(3, withLength("3"))
    resetsWith(peer.send(peer.headers(3, [])), peer, 3, "PROTOCOL_ERROR", "ContentLengthMismatch")
  })

  malformed("a length without a body", plus(["content-length", "1"]), "ContentLengthMismatch")
  malformed("two lengths", plus(["content-length", "0"], ["content-length", "0"]), "InvalidContentLength")
  malformed("a length with a sign", plus(["content-length", "+0"]), "InvalidContentLength")
  malformed("a length beyond 2^53", plus(["content-length", "9007199254740993"]), "InvalidContentLength")
  accepts("a length of 0 without a body", plus(["content-length", "0"]))
})

describe("RFC 9113 §8.2.1 field validity", () => {
  for (const name of ["X-Upper", "", "with space", "with:colon", "é", "nul\0", "del\x7f"]) {
    malformed(`the field name ${JSON.stringify(name)}`, plus([name, "v"]), "InvalidFieldName")
  }
  for (const value of ["a\0b", "a\rb", "a\nb", " a", "a ", "\ta", "a\t", "a\x7fb"]) {
    malformed(`the field value ${JSON.stringify(value)}`, plus(["x", value]), "InvalidFieldValue")
  }
  malformed("a pseudo-header field with white space", having(get, ":authority", " a"), "InvalidFieldValue")
  accepts("an empty value", plus(["x", ""]))
  accepts("octets above 0x7f and a tab in a value", plus(["x", "\xff\t\x80"]))
})

describe("RFC 9113 §8.2.2 connection-specific fields", () => {
  for (const name of ["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"]) {
    malformed(name, plus([name, "x"]), "ConnectionSpecificField")
  }
  malformed("te other than trailers", plus(["te", "gzip"]), "ConnectionSpecificField")
  malformed("te with more than trailers", plus(["te", "trailers, gzip"]), "ConnectionSpecificField")
  accepts("te: trailers", plus(["te", "trailers"]))
})

describe("RFC 9113 §8.3 and §8.3.1 pseudo-header fields", () => {
  for (const name of [":method", ":scheme", ":path"]) {
    malformed(`a request without ${name}`, without(get, name), "MissingPseudoField")
    malformed(
      `${name} twice`,
      [...get, [name, get.find(([n]) => n === name)?.[1] ?? ""]],
      "DuplicatePseudoField"
    )
  }
  malformed(":authority twice", [...get, [":authority", "example.com"]], "DuplicatePseudoField")
  malformed("a pseudo-header field of responses", [[":status", "200"], ...get], "UnknownPseudoField")
  malformed("an unknown pseudo-header field", [[":test", "x"], ...get], "UnknownPseudoField")
  malformed("a pseudo-header field behind others", [["x", "y"], ...get], "MisplacedPseudoField")
  malformed("an empty path", having(get, ":path", ""), "InvalidPath")
  malformed("a path without its slash", having(get, ":path", "a"), "InvalidPath")
  malformed("a path with a fragment", having(get, ":path", "/#a"), "InvalidPath")
  malformed("a path with a space", having(get, ":path", "/a b"), "InvalidPath")
  malformed("a path with broken percent-encoding", having(get, ":path", "/%2"), "InvalidPath")
  malformed("an asterisk with GET", having(get, ":path", "*"), "InvalidPath")
  malformed("a method that is no token", having(get, ":method", "G T"), "InvalidMethod")
  malformed("an empty method", having(get, ":method", ""), "InvalidMethod")
  malformed("an invalid scheme", having(get, ":scheme", "1http"), "InvalidScheme")
  malformed("an invalid authority", having(get, ":authority", "a b"), "InvalidAuthority")
  malformed("an authority with userinfo", having(get, ":authority", "user@example.com"), "InvalidAuthority")
  malformed("an empty authority", having(get, ":authority", ""), "InvalidAuthority")
  malformed("neither :authority nor host", without(get, ":authority"), "MissingAuthority")
  malformed("a host other than :authority", plus(["host", "example.org"]), "AuthorityMismatch")
  malformed("a host with another port", plus(["host", "example.com:8443"]), "AuthorityMismatch")
  malformed("a host with the port of another scheme", plus(["host", "example.com:80"]), "AuthorityMismatch")
  malformed("host twice", plus(["host", "example.com"], ["host", "example.com"]), "AuthorityMismatch")
  accepts("host instead of :authority", [...without(get, ":authority"), ["host", "example.com"]])
  accepts("host as in :authority, in any case", plus(["host", "EXAMPLE.com"]))
  accepts("host with the port that its scheme has by itself", plus(["host", "example.com:443"]))
  accepts("host with an empty port", plus(["host", "example.com:"]))
  accepts("host without that port", [...having(get, ":authority", "[::1]:443"), ["host", "[::1]"]])
  accepts("a scheme that is not http", having(get, ":scheme", "coap+tcp"))
  accepts(
    "an asterisk with OPTIONS",
    having(having(get, ":path", "*"), ":method", "OPTIONS"),
    "head 1 OPTIONS * None"
  )
  accepts("a method in lower case", having(get, ":method", "get"), "head 1 get / None")

  it("the head has what the request said, Host standing in for :authority", () => {
    const peer = Peer.open()
    const fields: Fields = [
      ...without(get, ":authority"),
      ["host", "example.org"],
      ["x", "y"],
      ["priority", "u=1"]
    ]
    const [head] = peer.connection.receive(FrameEncoder.encode(peer.headers(1, fields)))
    assert.isTrue(head instanceof RequestHead)
    if (!(head instanceof RequestHead)) return
    assert.strictEqual(head.scheme, "https")
    assert.strictEqual(head.authority, "example.org")
    assert.deepStrictEqual(head.target, { _tag: "Origin", raw: "/", path: "/", query: undefined })
    assert.deepStrictEqual(head.fields.toJSON(), [
      ["host", "example.org"],
      ["x", "y"],
      ["priority", "u=1"]
    ])
    assert.strictEqual(head.fields.get("X"), "y")
    assert.deepStrictEqual(head.priority, { urgency: 1, incremental: false })
  })
})

describe("RFC 9113 §8.5 CONNECT", () => {
  const connect: Fields = [
    [":method", "CONNECT"],
    [":authority", "example.com:443"]
  ]

  it("opens a tunnel: data both ways", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.begin(1, connect), ["head 1 CONNECT example.com:443 Stream"])
    const head: ServerConnection.ResponseHead = {
      status: 200,
      fields: {},
      bodyLength: undefined,
      tunnel: true
    }
    assert.deepStrictEqual(peer.connection.respond(1, head, undefined), { length: undefined })
    peer.connection.send(1, Uint8Array.of(0x61))
    assert.deepStrictEqual(peer.send(data(1, "b")), ["data 1 b"])
    assert.deepStrictEqual(peer.read(), ["HEADERS 1 :status: 200", "DATA 1 a"])
  })

  it("HEADERS on the stream of a tunnel are a stream error PROTOCOL_ERROR", () => {
    const peer = Peer.open()
    peer.begin(1, connect)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: undefined, tunnel: true }, undefined)
    peer.read()
    resetsWith(peer.send(peer.headers(1, [["x", "y"]])), peer, 1, "PROTOCOL_ERROR", "HeadersInTunnel")
  })

  it("nothing but data is sent through it: trailers are left out", () => {
    const peer = Peer.open()
    peer.begin(1, connect)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: undefined, tunnel: true }, undefined)
    peer.connection.finish(1, { "x-sum": "1" })
    assert.deepStrictEqual(peer.read(), ["HEADERS 1 :status: 200", "DATA 1  END_STREAM"])
  })

  it("RFC 9110 §9.3.6: CONNECT has no content: a length of it means nothing", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.begin(1, [...connect, ["content-length", "1"]]), [
      "head 1 CONNECT example.com:443 Stream"
    ])
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: undefined, tunnel: true }, undefined)
    assert.deepStrictEqual(peer.send(data(1, "ab"), data(1, "c", true)), ["data 1 ab", "data 1 c", "end 1"])
    assert.deepStrictEqual(peer.request(3, [...connect, ["content-length", "1"]]), [
      "head 3 CONNECT example.com:443 None"
    ])
  })

  it("RFC 9110 §9.3.6: no length is sent with a 2xx to CONNECT, and none ends the tunnel", () => {
    for (const status of [200, 204, 205]) {
      const peer = Peer.open()
      peer.begin(1, connect)
      const fields = { "Content-Length": "0" }
      const result = peer.connection.respond(1, { status, fields, bodyLength: 5, tunnel: true }, undefined)
      assert.deepStrictEqual(result, { length: undefined })
      peer.connection.send(1, Uint8Array.of(0x61))
      assert.deepStrictEqual(peer.read(), [`HEADERS 1 :status: ${status}`, "DATA 1 a"])
    }
  })

  malformed("CONNECT with a scheme", [...connect, [":scheme", "https"]], "InvalidConnect")
  malformed("CONNECT with a path", [...connect, [":path", "/"]], "InvalidConnect")
  malformed("CONNECT without an authority", [[":method", "CONNECT"]], "InvalidConnect")
  malformed("CONNECT without a port", having(connect, ":authority", "example.com"), "InvalidConnect")
})

describe("requests that are read and not wanted", () => {
  it("RFC 6585 §5: a field section of n octets is taken, one more is answered with 431", () => {
    const size = get.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0)
    assert.deepStrictEqual(Peer.open({ headerListBytes: size }).request(1), ["head 1 GET / None"])
    const peer = Peer.open({ headerListBytes: size - 1 })
    assert.deepStrictEqual(peer.request(1), ["refused 1 431 HeaderListTooLarge"])
    peer.connection.respond(1, { status: 431, fields: {}, bodyLength: 0 }, undefined)
    assert.deepStrictEqual(peer.read(), ["HEADERS 1 :status: 431, content-length: 0 END_STREAM"])
  })

  it("RFC 6585 §5: n fields are taken, one more is answered with 431", () => {
    assert.deepStrictEqual(Peer.open({ fieldCount: 4 }).request(1), ["head 1 GET / None"])
    assert.deepStrictEqual(Peer.open({ fieldCount: 3 }).request(1), ["refused 1 431 HeaderListTooLarge"])
  })

  it("RFC 9110 §10.1.1: an expectation other than 100-continue is answered with 417", () => {
    const expecting = (value: string): Fields => [...post, ["expect", value]]
    assert.deepStrictEqual(Peer.open().begin(1, expecting("magic")), ["refused 1 417 UnknownExpectation"])
    assert.deepStrictEqual(Peer.open().begin(1, expecting("100-Continue")), ["head 1 POST / Stream"])
  })
})

describe("responses", () => {
  const respond = (
    head: Partial<ServerConnection.ResponseHead>,
    fields: Fields = get,
    date?: string
  ): readonly [unknown, ReadonlyArray<string>] => {
    const peer = Peer.open()
    peer.request(1, fields)
    const result = peer.connection.respond(
      1,
      { status: 200, fields: {}, bodyLength: undefined, ...head },
      date
    )
    return [result, peer.read()]
  }

  const refuses = (
    name: string,
    reason: string,
    head: Partial<ServerConnection.ResponseHead>,
    fields?: Fields
  ) =>
    it(`${name}: ${reason}, and nothing is sent`, () => {
      const [result, written] = respond(head, fields)
      assert.strictEqual((result as { reason?: { _tag: string } }).reason?._tag, reason)
      assert.deepStrictEqual(written, [])
    })

  it("§8.3.2: status, fields in lower case, length and date", () => {
    assert.deepStrictEqual(
      respond({ fields: { "Content-Type": "text/plain" }, bodyLength: 2 }, get, "now")[1],
      ["HEADERS 1 :status: 200, content-type: text/plain, date: now, content-length: 2"]
    )
  })

  it("a date that was given is kept", () => {
    assert.deepStrictEqual(respond({ fields: { Date: "then" }, bodyLength: 0 }, get, "now")[1], [
      "HEADERS 1 :status: 200, date: then, content-length: 0 END_STREAM"
    ])
  })

  it("§8.2.2: fields of HTTP/1.1 connections are left out", () => {
    const fields = {
      Connection: "close",
      "keep-alive": "timeout=5",
      "Transfer-Encoding": "chunked",
      upgrade: "h2c",
      TE: "trailers",
      "proxy-connection": "x",
      kept: "yes"
    }
    assert.deepStrictEqual(respond({ fields })[1], ["HEADERS 1 :status: 200, kept: yes"])
  })

  it("§8.2.1: white space around a value is left out", () => {
    assert.deepStrictEqual(respond({ fields: { a: " b\t", c: "" } })[1], [
      "HEADERS 1 :status: 200, a: b, c: "
    ])
  })

  it("fields of one name stay apart", () => {
    assert.deepStrictEqual(respond({ fields: { "set-cookie": ["a=1", "b=2"] } })[1], [
      "HEADERS 1 :status: 200, set-cookie: a=1, set-cookie: b=2"
    ])
  })

  it("RFC 9110 §6.4.1: no content with 204, 304 and to HEAD, and the length that is due", () => {
    const head = having(get, ":method", "HEAD")
    assert.deepStrictEqual(respond({ status: 204, bodyLength: 5 })[1], ["HEADERS 1 :status: 204 END_STREAM"])
    assert.deepStrictEqual(respond({ status: 304, fields: { "content-length": "9" } })[1], [
      "HEADERS 1 :status: 304, content-length: 9 END_STREAM"
    ])
    assert.deepStrictEqual(respond({ bodyLength: 7 }, head)[1], [
      "HEADERS 1 :status: 200, content-length: 7 END_STREAM"
    ])
    assert.deepStrictEqual(respond({ status: 205, bodyLength: 5 })[1], [
      "HEADERS 1 :status: 205, content-length: 0 END_STREAM"
    ])
  })

  refuses("a status below 200", "InvalidStatus", { status: 199 })
  refuses("a status above 599", "InvalidStatus", { status: 600 })
  refuses("a name that is no token", "InvalidResponseFieldName", { fields: { "a b": "c" } })
  refuses("a value with a line end", "InvalidResponseFieldValue", { fields: { a: "b\r\nc: d" } })
  refuses("a length that is none", "InvalidResponseLength", { fields: { "content-length": "-1" } })
  refuses("two lengths", "InvalidResponseLength", {
    fields: { "content-length": "1", "Content-Length": "1" }
  })
  refuses("another length than that of the body", "ResponseLengthMismatch", {
    fields: { "content-length": "3" },
    bodyLength: 2
  })
  refuses("2xx to CONNECT without a tunnel", "ConnectWithoutTunnel", { bodyLength: 0 }, [
    [":method", "CONNECT"],
    [":authority", "a:1"]
  ])

  it("a head that is refused leaves header compression as it was", () => {
    const peer = Peer.open()
    peer.request(1)
    const head = (fields: Record<string, string>) => ({ status: 200, fields, bodyLength: undefined })
    peer.connection.respond(1, head({ "x-a": "1", "x-b": "\n" }), undefined)
    peer.connection.respond(1, head({ "x-c": "1" }), undefined)
    assert.deepStrictEqual(peer.read(), ["HEADERS 1 :status: 200, x-c: 1"])
  })

  it("a body that is longer or shorter than was said is an error", () => {
    const peer = Peer.open()
    peer.request(1)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: 2 }, undefined)
    assert.isUndefined(peer.connection.send(1, new Uint8Array(1)))
    assert.strictEqual(peer.connection.finish(1)?.reason._tag, "ResponseTooShort")
    assert.strictEqual(peer.connection.send(1, new Uint8Array(2))?.reason._tag, "ResponseTooLong")
    assert.isUndefined(peer.connection.send(1, new Uint8Array(1)))
    assert.isUndefined(peer.connection.finish(1))
  })

  it("§8.1: trailers end the stream, behind the data", () => {
    const peer = Peer.open()
    peer.request(1)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: undefined }, undefined)
    peer.connection.send(1, Uint8Array.of(0x61))
    assert.isUndefined(peer.connection.finish(1, { "X-Sum": "1" }))
    assert.deepStrictEqual(peer.read(), [
      "HEADERS 1 :status: 200",
      "DATA 1 a",
      "HEADERS 1 x-sum: 1 END_STREAM"
    ])
    assert.strictEqual(peer.connection.openStreams, 0)
  })

  it("RFC 9110 §6.5.1: a field that may not be a trailer is an error", () => {
    const peer = Peer.open()
    peer.request(1)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: undefined }, undefined)
    assert.strictEqual(
      peer.connection.finish(1, { "Set-Cookie": "a" })?.reason._tag,
      "ForbiddenResponseTrailer"
    )
  })

  it("§8.1: interim responses come before the final one, and none behind it", () => {
    const peer = Peer.open()
    peer.request(1)
    assert.isUndefined(peer.connection.interim(1, 100, {}))
    assert.isUndefined(peer.connection.interim(1, 103, { Link: "</a>", "content-length": "3" }))
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: undefined }, undefined)
    assert.isUndefined(peer.connection.interim(1, 103, {}))
    assert.deepStrictEqual(peer.read(), [
      "HEADERS 1 :status: 100",
      "HEADERS 1 :status: 103, link: </a>",
      "HEADERS 1 :status: 200"
    ])
  })

  it("§8.6: 101 and final statuses are no interim ones", () => {
    for (const status of [101, 200, 99]) {
      assert.strictEqual(Peer.open().connection.interim(1, status, {})?.reason._tag, "InvalidInterimStatus")
    }
  })

  it("commands on a stream that is gone do nothing", () => {
    const peer = Peer.open()
    peer.request(1)
    peer.send({ _tag: "RstStream", streamId: 1, code: 8 })
    assert.isFalse(peer.connection.canSend(1))
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: 1 }, undefined)
    assert.isUndefined(peer.connection.send(1, new Uint8Array(1)))
    assert.isUndefined(peer.connection.finish(1))
    peer.connection.reset(1, "CANCEL")
    peer.connection.consumed(1, 5)
    peer.connection.discard(1, 5)
    assert.deepStrictEqual(peer.read(), [])
  })
})

describe("RFC 9113 §8.1: what is left of a request behind its response", () => {
  const answered = (fields: Fields) => {
    const peer = Peer.open()
    peer.begin(1, fields)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: 0 }, undefined)
    peer.connection.discard(1, 10)
    peer.read()
    return peer
  }

  it("up to the budget is thrown away, and the stream ends in order", () => {
    const peer = answered(post)
    assert.deepStrictEqual(peer.send(data(1, 5), data(1, 5, true)), [])
    assert.deepStrictEqual(peer.read(), [])
    assert.strictEqual(peer.connection.openStreams, 0)
  })

  it("beyond it the stream is reset with NO_ERROR", () => {
    const peer = answered(post)
    assert.deepStrictEqual(peer.send(data(1, 11)), [])
    assert.deepStrictEqual(peer.read(), ["RST_STREAM 1 NO_ERROR"])
  })

  it("with a budget of 0, at once, though the length is not known", () => {
    const peer = Peer.open()
    peer.begin(1, post)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: 0 }, undefined)
    peer.read()
    peer.connection.discard(1, 0)
    assert.deepStrictEqual(peer.read(), ["RST_STREAM 1 NO_ERROR"])
  })

  it("a response that is on its way is not cut off: the reset follows its end", () => {
    const peer = Peer.open()
    peer.send({ _tag: "Settings", ack: false, entries: [[4, 0]] })
    peer.begin(1, post)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: undefined }, undefined)
    peer.connection.send(1, new TextEncoder().encode("hello"))
    peer.connection.finish(1)
    peer.connection.discard(1, 10)
    peer.read()
    assert.deepStrictEqual(peer.send(data(1, 11), data(1, 100)), [])
    assert.deepStrictEqual(peer.read(), [])
    peer.send({ _tag: "WindowUpdate", streamId: 1, increment: 5 })
    assert.deepStrictEqual(peer.read(), ["DATA 1 hello END_STREAM", "RST_STREAM 1 NO_ERROR"])
  })

  it("a stream that owes only the rest of its request leaves nothing to do", () => {
    const peer = Peer.open()
    peer.begin(1, post)
    assert.isFalse(peer.connection.isAtRest)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: 0 }, undefined)
    // Somebody may still want the rest.
    assert.isFalse(peer.connection.isAtRest)
    peer.connection.discard(1, 10)
    assert.deepStrictEqual([peer.connection.isAtRest, peer.connection.openStreams], [true, 1])
    assert.deepStrictEqual([...peer.connection.owing], [1])
    peer.send(data(1, "x", true))
    assert.deepStrictEqual([...peer.connection.owing], [])
  })

  it("a stream whose rest is not wanted before it is answered owes it once it is", () => {
    const peer = Peer.open({}, [[4, 0]])
    peer.begin(1, post)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: 1 }, undefined)
    peer.connection.send(1, new Uint8Array(1))
    peer.connection.finish(1)
    peer.connection.discard(1, 10)
    peer.read()
    assert.deepStrictEqual([...peer.connection.owing], [])
    peer.send({ _tag: "WindowUpdate", streamId: 1, increment: 1 })
    peer.read()
    assert.deepStrictEqual([...peer.connection.owing], [1])
    peer.send({ _tag: "RstStream", streamId: 1, code: 8 })
    assert.deepStrictEqual([...peer.connection.owing], [])
  })

  it("at once where the request said that it will be more", () => {
    const peer = Peer.open()
    peer.begin(1, [...post, ["content-length", "11"]])
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: 0 }, undefined)
    peer.connection.discard(1, 10)
    assert.deepStrictEqual(peer.read(), [
      "HEADERS 1 :status: 200, content-length: 0 END_STREAM",
      "RST_STREAM 1 NO_ERROR"
    ])
  })
})
