import { assert, describe, it } from "@effect/vitest"
import * as ConnectionId from "@nvo/protocol/http/ConnectionId"
import * as Latin1 from "@nvo/protocol/http/Latin1"
import * as ResponseEncoder from "@nvo/protocol/http1/ResponseEncoder"
import type * as ResponseEvent from "@nvo/protocol/http1/ResponseEvent"
import { Bytes } from "@nvo/testing"

const exchange = (given: Partial<ResponseEncoder.Exchange> = {}): ResponseEncoder.Exchange => ({
  connectionId: ConnectionId.make(1),
  requestIndex: 1,
  method: "GET",
  minorVersion: 1,
  persistent: true,
  ...given
})

const head = (given: Partial<ResponseEvent.ResponseHead> = {}): ResponseEvent.ResponseHead => ({
  _tag: "ResponseHead",
  status: 200,
  fields: {},
  bodyLength: undefined,
  ...given
})

const data = (text: string): ResponseEvent.ResponseData => ({
  _tag: "ResponseData",
  bytes: Bytes.fromText(text)
})

const send = (
  to: Partial<ResponseEncoder.Exchange>,
  events: ReadonlyArray<ResponseEvent.ResponseEvent>,
  date?: string
): string => {
  let state = ResponseEncoder.initial
  let text = ""
  for (const event of events) {
    const step = ResponseEncoder.step(exchange(to), state, event, date)
    state = step.state
    for (const octets of step.octets) text += Bytes.toText(Latin1.toBytes(octets))
  }
  if (state._tag === "Failed") throw state.error
  return text
}

const headOf = (
  given: Partial<ResponseEvent.ResponseHead>,
  to: Partial<ResponseEncoder.Exchange> = {},
  date?: string
): ResponseEncoder.EncodedHead => {
  const encoded = ResponseEncoder.encodeHead(exchange(to), head(given), date)
  if (encoded._tag !== "EncodedHead") throw encoded
  return encoded
}

const end: ResponseEvent.ResponseEnd = { _tag: "ResponseEnd" }

describe("RFC 9112 §4: status-line = HTTP-version SP status-code SP [ reason-phrase ]", () => {
  it("the version is ours, whatever the peer's", () => {
    assert.isTrue(headOf({}, { minorVersion: 0 }).text.startsWith("HTTP/1.1 200 OK\r\n"))
  })

  it("the SP stays where there is no phrase", () => {
    assert.isTrue(headOf({ status: 299 }).text.startsWith("HTTP/1.1 299 \r\n"))
    assert.isTrue(headOf({ reasonPhrase: "" }).text.startsWith("HTTP/1.1 200 \r\n"))
  })

  it("a phrase may be given", () => {
    assert.isTrue(headOf({ reasonPhrase: "Fine\t\xe4" }).text.startsWith("HTTP/1.1 200 Fine\t\xe4\r\n"))
  })
})

describe("RFC 9112 §6: the framing of a response", () => {
  it("a known length is a Content-Length", () => {
    assert.strictEqual(
      send({}, [head({ bodyLength: 2 }), data("h"), data("i"), end]),
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
    )
  })

  it("a declared length is kept, once", () => {
    assert.strictEqual(
      send({}, [head({ fields: { "Content-Length": "002" } }), data("hi"), end]),
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
    )
    assert.strictEqual(
      send({}, [head({ fields: { "content-length": ["2"] }, bodyLength: 2 }), data("hi"), end]),
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
    )
  })

  it("RFC 9110 §8.6: the largest length that can be counted is declared, one more is not", () => {
    const declare = (length: string | ReadonlyArray<string>) =>
      ResponseEncoder.encodeHead(exchange(), head({ fields: { "content-length": length } }), undefined)
    const largest = declare("9007199254740991")
    assert.strictEqual(largest._tag, "EncodedHead")
    if (largest._tag === "EncodedHead") {
      assert.deepStrictEqual(largest.framing, { _tag: "Length", length: Number.MAX_SAFE_INTEGER })
    }
    for (const length of ["9007199254740992", ["2", "2"], []]) {
      const refused = declare(length)
      assert.strictEqual(refused._tag === "Http1Error" && refused.reason._tag, "InvalidResponseLength")
    }
  })

  it("only a known length leaves something to be sent", () => {
    for (const [bodyLength, remaining] of [
      [3, 3],
      [undefined, 0]
    ] as const) {
      const state = ResponseEncoder.afterHead(headOf({ bodyLength }))
      assert.strictEqual(state._tag === "Body" && state.remaining, remaining)
    }
  })

  it("an empty body says so", () => {
    assert.strictEqual(
      send({}, [head({ bodyLength: 0 }), end]),
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    )
  })

  it("§7.1: an unknown length is chunked for HTTP/1.1", () => {
    assert.strictEqual(
      send({}, [head(), data("x".repeat(26)), data("hi"), end]),
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1a\r\n${"x".repeat(26)}\r\n2\r\nhi\r\n0\r\n\r\n`
    )
  })

  it("§7.1: empty data is not the last chunk", () => {
    assert.strictEqual(
      send({}, [head(), data(""), data("a"), data(""), end]),
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
    )
  })

  it("§6.3: an unknown length ends with the connection for HTTP/1.0, which knows no chunks", () => {
    assert.strictEqual(
      send({ minorVersion: 0 }, [head(), data("hi"), end]),
      "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhi"
    )
    assert.deepStrictEqual(headOf({}, { minorVersion: 0 }).framing, { _tag: "Close" })
    assert.isFalse(headOf({}, { minorVersion: 0 }).persistent)
  })

  it("§6.1: an application's own Transfer-Encoding does not count", () => {
    const { framing, text } = headOf({ fields: { "Transfer-Encoding": "gzip, chunked" }, bodyLength: 1 })
    assert.deepStrictEqual(framing, { _tag: "Length", length: 1 })
    assert.notMatch(text, /transfer-encoding/i)
  })

  for (const status of [204, 304]) {
    it(`§6.3: ${status} has no body and no framing field`, () => {
      for (const bodyLength of [undefined, 0, 2]) {
        assert.strictEqual(
          send({}, [head({ status, bodyLength }), data("hi"), end]),
          `HTTP/1.1 ${status} ${status === 204 ? "No Content" : "Not Modified"}\r\n\r\n`
        )
      }
    })
  }

  it("RFC 9110 §8.6: a Content-Length is kept in 304 and never sent in 204", () => {
    assert.match(headOf({ status: 304, fields: { "content-length": "9" } }).text, /content-length: 9\r\n/)
    assert.notMatch(headOf({ status: 204, fields: { "content-length": "0" } }).text, /content-length/)
  })

  it("RFC 9110 §15.3.6: 205 has no content and says so", () => {
    assert.strictEqual(
      send({}, [head({ status: 205, bodyLength: 2 }), data("hi"), end]),
      "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n"
    )
  })

  it("RFC 9110 §9.3.2: an answer to HEAD has the fields of GET and no body", () => {
    assert.strictEqual(
      send({ method: "HEAD" }, [head({ bodyLength: 2 }), data("hi"), end]),
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
    )
    assert.strictEqual(
      send({ method: "HEAD" }, [head({ fields: { "content-length": "9" }, bodyLength: 0 }), end]),
      "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"
    )
    assert.strictEqual(send({ method: "HEAD" }, [head(), data("hi"), end]), "HTTP/1.1 200 OK\r\n\r\n")
  })

  it("§6.3: HEAD without a length goes on for HTTP/1.0 too: there is nothing to end", () => {
    assert.strictEqual(
      send({ method: "HEAD", minorVersion: 0 }, [head(), end]),
      "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\n\r\n"
    )
  })
})

describe("RFC 9112 §7.1.2: trailers", () => {
  it("are sent behind the last chunk", () => {
    assert.strictEqual(
      send({}, [head(), data("a"), { _tag: "ResponseEnd", trailers: { "X-Sum": "1", "x-b": ["2", "3"] } }]),
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nx-b: 2\r\nx-b: 3\r\n\r\n"
    )
  })

  it("are dropped where the framing has no place for them", () => {
    assert.strictEqual(
      send({}, [head({ bodyLength: 1 }), data("a"), { _tag: "ResponseEnd", trailers: { "x-sum": "1" } }]),
      "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na"
    )
  })
})

describe("RFC 9112 §9: the connection of a response", () => {
  const connection = (fields: ResponseEvent.Fields, to: Partial<ResponseEncoder.Exchange> = {}) => {
    const { persistent, text } = headOf({ fields, bodyLength: 0 }, to)
    return [/^connection: (.*)\r$/m.exec(text)?.[1], persistent, text.match(/^connection:/gim)?.length ?? 0]
  }

  for (const [name, given, to, line, persistent] of [
    ["HTTP/1.1 goes on and says nothing", {}, {}, undefined, true],
    ["HTTP/1.1 ends and says so", {}, { persistent: false }, "close", false],
    ["HTTP/1.0 goes on and says so", {}, { minorVersion: 0 }, "keep-alive", true],
    ["HTTP/1.0 ends and says so", {}, { minorVersion: 0, persistent: false }, "close", false],
    ["an application may end it", { Connection: "Close" }, {}, "close", false],
    ["an application may not keep it", { connection: "keep-alive" }, { persistent: false }, "close", false],
    ["other options are kept", { connection: "keep-alive, X-A ,x-b" }, {}, "x-a, x-b", true],
    ["other options are kept when it ends", { connection: ["x-a", "close"] }, {}, "close, x-a", false],
    ["empty options are left out", { connection: ", ," }, {}, undefined, true],
    [
      "RFC 9110 §7.8: Upgrade is an option where it is a field",
      { upgrade: "websocket" },
      {},
      "upgrade",
      true
    ],
    ["… and where it is none", { connection: "upgrade" }, {}, "upgrade", true],
    // A name of the same length.
    ["… and no other field is one", { warning: "websocket" }, {}, undefined, true],
    ["… once, whoever names it", { Upgrade: "h2c", connection: "x-a, Upgrade" }, {}, "upgrade, x-a", true],
    ["… and beside close", { upgrade: "websocket" }, { persistent: false }, "close, upgrade", false]
  ] as const) {
    it(name, () => {
      assert.deepStrictEqual(connection(given, to), [line, persistent, line === undefined ? 0 : 1])
    })
  }

  it("Keep-Alive and Proxy-Connection are the encoder's own and left out", () => {
    assert.strictEqual(
      headOf({ fields: { "Keep-Alive": "timeout=5", "Proxy-Connection": "close" }, bodyLength: 0 }).text,
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    )
  })
})

describe("RFC 9110 §6.6.1: Date", () => {
  const date = "Sun, 06 Nov 1994 08:49:37 GMT"

  it("is sent once", () => {
    assert.match(headOf({}, {}, date).text, /^date: Sun, 06 Nov 1994 08:49:37 GMT\r$/m)
    assert.notMatch(headOf({}).text, /date/i)
  })

  it("an application's own stays the only one", () => {
    const { text } = headOf({ fields: { DATE: "Mon, 07 Nov 1994 08:49:37 GMT" } }, {}, date)
    assert.deepStrictEqual(text.match(/^date: .*$/gim), ["DATE: Mon, 07 Nov 1994 08:49:37 GMT"])
  })
})

describe("RFC 9110 §15.2: interim responses", () => {
  it("stand before the final one, any number of them", () => {
    assert.strictEqual(
      send({}, [
        { _tag: "InterimHead", status: 100, fields: {} },
        { _tag: "InterimHead", status: 103, fields: { link: ["</a>", "</b>"] } },
        head({ bodyLength: 0 }),
        end
      ]),
      "HTTP/1.1 100 Continue\r\n\r\n" +
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nlink: </b>\r\n\r\n" +
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    )
  })

  it("are not sent to HTTP/1.0", () => {
    assert.strictEqual(
      send({ minorVersion: 0 }, [
        { _tag: "InterimHead", status: 103, fields: { link: "</a>" } },
        head({ bodyLength: 0 }),
        end
      ]),
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n"
    )
    const { octets } = ResponseEncoder.step(exchange({ minorVersion: 0 }), ResponseEncoder.initial, {
      _tag: "InterimHead",
      status: 103,
      fields: {}
    })
    assert.deepStrictEqual(octets, [])
  })

  it("RFC 9110 §8.6 and RFC 9112 §6.1: they have no framing fields", () => {
    assert.strictEqual(
      ResponseEncoder.encodeInterim(exchange(), 103, {
        "Content-Length": "5",
        "transfer-encoding": "chunked",
        a: "b"
      }),
      "HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n"
    )
  })
})

describe("RFC 9110 §7.8 and §9.3.6: the head that ends HTTP/1.1", () => {
  it("101 comes with the fields it is given", () => {
    assert.strictEqual(
      ResponseEncoder.encodeSwitch(exchange(), 101, { connection: "upgrade", upgrade: "websocket" }),
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    )
  })

  it("200 to CONNECT has no framing fields", () => {
    assert.strictEqual(
      ResponseEncoder.encodeSwitch(exchange({ method: "CONNECT" }), 200, { "content-length": "0" }),
      "HTTP/1.1 200 OK\r\n\r\n"
    )
  })

  it("neither can be talked into splitting", () => {
    for (const fields of [{ a: "b\r\nc: d" }, { "a\r\nb": "c" }, { a: ["b", "c\n"] }]) {
      const encoded = ResponseEncoder.encodeSwitch(exchange(), 101, fields)
      assert.notStrictEqual(typeof encoded, "string")
    }
  })

  it("a 2xx that opens no tunnel is refused, and nothing else", () => {
    const to = exchange({ method: "CONNECT" })
    const refused = ResponseEncoder.encodeHead(to, head({ status: 299 }), undefined)
    assert.strictEqual(refused._tag === "Http1Error" && refused.reason._tag, "ConnectWithoutTunnel")
    assert.strictEqual(ResponseEncoder.encodeHead(to, head({ status: 300 }), undefined)._tag, "EncodedHead")
  })

  it("what answers a request of which nothing is known ends the connection, and has a body", () => {
    const to = ResponseEncoder.unknownExchange(ConnectionId.make(5), 2)
    assert.deepStrictEqual(to, {
      connectionId: ConnectionId.make(5),
      requestIndex: 2,
      method: "GET",
      minorVersion: 1,
      persistent: false
    })
  })

  it("other answers to CONNECT are as any other", () => {
    assert.strictEqual(
      send({ method: "CONNECT" }, [head({ status: 405, bodyLength: 2 }), data("no"), end]),
      "HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 2\r\n\r\nno"
    )
  })
})
