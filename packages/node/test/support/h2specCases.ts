/**
 * A case for each one that h2spec 2.6 asks of a server, by its number there: what a client sends, and the one answer that is
 * due. Where h2spec is content with either of two errors, this is not.
 */
import { Http2Frame } from "@nvo/protocol"
import { type Fields, get, type Http2Wire, post } from "./http2Wire.ts"

/** A frame, octets as they are, or a line of the server's to wait for. */
export type Step = Http2Frame.Frame | Uint8Array | RegExp

/**
 * What is due: the connection ends with a code; a stream ends with one, and the connection goes on; or a line comes, and
 * the connection goes on.
 */
export type Due =
  | { readonly connection: string }
  | { readonly stream: string; readonly id?: number }
  | { readonly line: string }

export interface H2specCase {
  readonly id: string
  readonly what: string
  readonly steps: (wire: Http2Wire) => ReadonlyArray<Step>
  readonly due: Due
}

const hex = (text: string): Uint8Array => Buffer.from(text.replace(/\s/g, ""), "hex")

const PING: Due = { line: "PING ack" }
const ANSWER: Due = { line: "DATA 1 13 END" }
const PROTOCOL: Due = { connection: "PROTOCOL_ERROR" }
const SIZE: Due = { connection: "FRAME_SIZE_ERROR" }
const FLOW: Due = { connection: "FLOW_CONTROL_ERROR" }
const CLOSED: Due = { connection: "STREAM_CLOSED" }
const COMPRESSION: Due = { connection: "COMPRESSION_ERROR" }
const MALFORMED: Due = { stream: "PROTOCOL_ERROR" }

const ping: Http2Frame.Frame = { _tag: "Ping", ack: false, data: new Uint8Array(8) }
const settings = (...entries: ReadonlyArray<readonly [number, number]>): Http2Frame.Frame => ({
  _tag: "Settings",
  ack: false,
  entries
})
// Nothing of a body leaves, so that streams stay open.
const held = settings([4, 0])
const credit = (streamId: number, increment: number): Http2Frame.Frame => ({
  _tag: "WindowUpdate",
  streamId,
  increment
})
const reset = (streamId: number, code = 8): Http2Frame.Frame => ({ _tag: "RstStream", streamId, code })
const priority = (streamId: number, on = 0, weight = 16, exclusive = false): Http2Frame.Frame => ({
  _tag: "Priority",
  streamId,
  dependency: { exclusive, streamId: on, weight }
})
const more = (streamId: number, fragment: Uint8Array, endHeaders = true): Http2Frame.Frame => ({
  _tag: "Continuation",
  streamId,
  endHeaders,
  fragment
})
const text = (streamId: number, endStream = true, value = "test", padding?: number) =>
  new Http2Frame.Data(streamId, endStream, Buffer.from(value), padding)

/** A field that no table has, once for each time that a block needs another. */
const dummy = (wire: Http2Wire) => wire.headers(1, [["x-dummy", "1"]]).fragment

/** HEADERS as they are usually, and with something else about them. */
const headers = (
  wire: Http2Wire,
  other: {
    readonly id?: number
    readonly fields?: Fields
    readonly end?: boolean
    readonly whole?: boolean
    readonly before?: string
    readonly after?: string
    readonly dependency?: Http2Frame.Dependency
    readonly padding?: number
  } = {}
) =>
  new Http2Frame.Headers(
    other.id ?? 1,
    other.end ?? true,
    other.whole ?? true,
    Buffer.concat([
      hex(other.before ?? ""),
      wire.headers(1, other.fields ?? get()).fragment,
      hex(other.after ?? "")
    ]),
    other.dependency,
    other.padding
  )

const begun = (wire: Http2Wire, length?: string) =>
  headers(wire, {
    fields: length === undefined ? post() : [...post(), ["content-length", length]],
    end: false
  })

const one = (id: string, what: string, due: Due, steps: H2specCase["steps"]): H2specCase => ({
  id,
  what,
  due,
  steps
})

const without = (name: string): Fields => get().filter(([other]) => other !== name)
const having = (name: string, value: string): Fields =>
  get().map((field) => (field[0] === name ? [name, value] : field))

/** A request with these fields. */
const asks = (id: string, what: string, fields: Fields, due: Due = MALFORMED) =>
  one(id, what, due, (wire) => [headers(wire, { fields })])

/** A request with a piece of a header block, of RFC 7541, behind its fields. */
const block = (id: string, what: string, after: string, due: Due = ANSWER) =>
  one(id, what, due, (wire) => [headers(wire, { after })])

const raw = (id: string, what: string, octets: string, due: Due) => one(id, what, due, () => [hex(octets)])

const generic: ReadonlyArray<H2specCase> = [
  one("generic/1/1", "a client's preface", ANSWER, (wire) => [headers(wire)]),
  one("generic/2/1", "PRIORITY on an idle stream", PING, () => [priority(1), ping]),
  one("generic/2/2", "WINDOW_UPDATE on a half-closed stream", { line: "DATA 1 1" }, (wire) => [
    held,
    headers(wire),
    credit(1, 1)
  ]),
  one("generic/2/3", "PRIORITY on a half-closed stream", { line: "DATA 1 1" }, (wire) => [
    held,
    headers(wire),
    priority(1),
    credit(1, 1)
  ]),
  one("generic/2/4", "RST_STREAM on a half-closed stream", PING, (wire) => [
    held,
    headers(wire),
    reset(1),
    ping
  ]),
  one("generic/2/5", "PRIORITY on a closed stream", PING, (wire) => [
    headers(wire),
    /^DATA 1 13 END$/,
    priority(1),
    ping
  ]),
  one("generic/3.1/1", "DATA", ANSWER, (wire) => [begun(wire), text(1)]),
  one("generic/3.1/2", "several DATA", ANSWER, (wire) => [begun(wire), text(1, false), text(1)]),
  one("generic/3.1/3", "DATA with padding", ANSWER, (wire) => [begun(wire), text(1, true, "test", 6)]),
  one("generic/3.2/1", "HEADERS", ANSWER, (wire) => [headers(wire)]),
  one("generic/3.2/2", "HEADERS with padding", ANSWER, (wire) => [headers(wire, { padding: 6 })]),
  one("generic/3.2/3", "HEADERS with a priority", ANSWER, (wire) => [
    headers(wire, { dependency: { exclusive: false, streamId: 0, weight: 255 } })
  ]),
  one("generic/3.3/1", "PRIORITY with weight 1", ANSWER, (wire) => [priority(1, 0, 1), headers(wire)]),
  one("generic/3.3/2", "PRIORITY with weight 256", ANSWER, (wire) => [priority(1, 0, 256), headers(wire)]),
  one("generic/3.3/3", "PRIORITY with a dependency", ANSWER, (wire) => [priority(1, 3), headers(wire)]),
  one("generic/3.3/4", "PRIORITY that is exclusive", ANSWER, (wire) => [
    priority(1, 3, 16, true),
    headers(wire)
  ]),
  one("generic/3.3/5", "PRIORITY of an idle stream, and HEADERS of a lower one", ANSWER, (wire) => [
    priority(3),
    headers(wire)
  ]),
  one("generic/3.4/1", "RST_STREAM", PING, (wire) => [begun(wire), reset(1), ping]),
  one("generic/3.5/1", "SETTINGS", { line: "SETTINGS ack 2" }, () => [settings([3, 100])]),
  one("generic/3.7/1", "PING", PING, () => [ping]),
  one("generic/3.8/1", "GOAWAY", PING, () => [
    { _tag: "GoAway", lastStreamId: 0, code: 0, debug: new Uint8Array(0) },
    ping
  ]),
  one("generic/3.9/1", "WINDOW_UPDATE of the connection", ANSWER, (wire) => [credit(0, 1), headers(wire)]),
  one("generic/3.9/2", "WINDOW_UPDATE of a stream", ANSWER, (wire) => [
    held,
    headers(wire),
    credit(1, 1_000)
  ]),
  one("generic/3.10/1", "CONTINUATION", ANSWER, (wire) => [
    headers(wire, { whole: false }),
    more(1, dummy(wire))
  ]),
  one("generic/3.10/2", "several CONTINUATION", ANSWER, (wire) => [
    headers(wire, { whole: false }),
    more(1, dummy(wire), false),
    more(1, dummy(wire))
  ]),
  asks("generic/4/1", "GET", get(), ANSWER),
  asks("generic/4/2", "HEAD", having(":method", "HEAD"), { line: "HEADERS 1 200 END" }),
  one("generic/4/3", "POST", ANSWER, (wire) => [begun(wire), text(1)]),
  one("generic/4/4", "POST with trailers", ANSWER, (wire) => [
    begun(wire),
    text(1, false),
    headers(wire, { fields: [["x-test", "ok"]] })
  ]),
  block("generic/5/1", "an indexed field", "ba"),
  block("generic/5/2", "a literal that is indexed, its name too", "7a 06 683273706563"),
  block("generic/5/3", "a literal that is indexed, its name too, in the Huffman code", "7a 84 9c48aca4"),
  block("generic/5/4", "a literal that is indexed", "40 06 782d74657374 06 683273706563"),
  block("generic/5/5", "a literal that is indexed, in the Huffman code", "40 85 f2b24a84ff 84 9c48aca4"),
  block("generic/5/6", "a literal that is not indexed, its name is", "0f2b 06 683273706563"),
  block("generic/5/7", "a literal that is not indexed, its name is, in the Huffman code", "0f2b 84 9c48aca4"),
  block("generic/5/8", "a literal that is not indexed", "00 06 782d74657374 06 683273706563"),
  block("generic/5/9", "a literal that is not indexed, in the Huffman code", "00 85 f2b24a84ff 84 9c48aca4"),
  block("generic/5/10", "a literal that is never indexed, its name is", "1f2b 06 683273706563"),
  block("generic/5/11", "a literal never indexed, its name is, in the Huffman code", "1f2b 84 9c48aca4"),
  block("generic/5/12", "a literal that is never indexed", "10 06 782d74657374 06 683273706563"),
  block(
    "generic/5/13",
    "a literal that is never indexed, in the Huffman code",
    "10 85 f2b24a84ff 84 9c48aca4"
  ),
  one("generic/5/14", "a table size update", ANSWER, (wire) => [headers(wire, { before: "20" })]),
  one("generic/5/15", "two table size updates", ANSWER, (wire) => [headers(wire, { before: "20 3fe11f" })])
]

const hpack: ReadonlyArray<H2specCase> = [
  block("hpack/2.3.3/1", "an index that no table has", "c6", COMPRESSION),
  block("hpack/2.3.3/2", "the index of a name that no table has", "7f0a 01 61", COMPRESSION),
  block("hpack/4.2/1", "a table size update behind the fields", "20", COMPRESSION),
  block(
    "hpack/5.2/1",
    "a string with more than seven bits of padding",
    "0085f2b24a84ff 85 9c48aca4ff",
    COMPRESSION
  ),
  block("hpack/5.2/2", "a string with padding of zeros", "0085f2b24a84ff 83 9c48a8", COMPRESSION),
  block("hpack/5.2/3", "a string with EOS", "0085f2b24a84ff 84 ffffffff", COMPRESSION),
  block("hpack/6.1/1", "index 0", "80", COMPRESSION),
  one("hpack/6.3/1", "a table size update above the limit", COMPRESSION, (wire) => [
    headers(wire, { before: "3fe21f" })
  ])
]

const frames: ReadonlyArray<H2specCase> = [
  one("http2/3.5/1", "a client's preface", PING, () => [ping]),
  raw(
    "http2/4.1/1",
    "a frame of an unknown type",
    "000008 16 00 00000000 0000000000000000 000008 06 00 00000000 0000000000000000",
    PING
  ),
  raw(
    "http2/4.1/2",
    "a frame with flags that are not defined",
    "000008 06 16 00000000 0000000000000000",
    PING
  ),
  raw("http2/4.1/3", "a frame with the reserved bit", "000008 06 00 80000000 0000000000000000", PING),
  one("http2/4.2/1", "DATA of 2^14 octets", ANSWER, (wire) => [
    begun(wire),
    text(1, true, "a".repeat(16_384))
  ]),
  one("http2/4.2/2", "DATA above SETTINGS_MAX_FRAME_SIZE", SIZE, (wire) => [
    begun(wire),
    text(1, true, "a".repeat(16_385))
  ]),
  one("http2/4.2/3", "HEADERS above SETTINGS_MAX_FRAME_SIZE", SIZE, (wire) => [
    headers(wire, { after: "00".repeat(16_384) })
  ]),
  block("http2/4.3/1", "a field block that cannot be decoded", "0001", COMPRESSION),
  one("http2/4.3/2", "PRIORITY in a field block", PROTOCOL, (wire) => [
    headers(wire, { whole: false }),
    priority(1),
    more(1, dummy(wire))
  ]),
  one("http2/4.3/3", "HEADERS of another stream in a field block", PROTOCOL, (wire) => [
    headers(wire, { whole: false }),
    headers(wire, { id: 3 }),
    more(1, dummy(wire))
  ]),
  one("http2/5.1/1", "idle: DATA", PROTOCOL, () => [text(1)]),
  one("http2/5.1/2", "idle: RST_STREAM", PROTOCOL, () => [reset(1)]),
  one("http2/5.1/3", "idle: WINDOW_UPDATE", PROTOCOL, () => [credit(1, 100)]),
  one("http2/5.1/4", "idle: CONTINUATION", PROTOCOL, (wire) => [more(1, dummy(wire))]),
  one("http2/5.1/5", "half-closed: DATA", { stream: "STREAM_CLOSED" }, (wire) => [
    held,
    headers(wire),
    text(1)
  ]),
  one("http2/5.1/6", "half-closed: HEADERS", { stream: "STREAM_CLOSED" }, (wire) => [
    held,
    headers(wire),
    headers(wire)
  ]),
  one("http2/5.1/7", "half-closed: CONTINUATION", PROTOCOL, (wire) => [
    held,
    headers(wire),
    more(1, dummy(wire))
  ]),
  one("http2/5.1/8", "closed by RST_STREAM: DATA", CLOSED, (wire) => [begun(wire), reset(1), text(1)]),
  one("http2/5.1/9", "closed by RST_STREAM: HEADERS", CLOSED, (wire) => [
    begun(wire),
    reset(1),
    headers(wire)
  ]),
  one("http2/5.1/10", "closed by RST_STREAM: CONTINUATION", PROTOCOL, (wire) => [
    begun(wire),
    reset(1),
    more(1, dummy(wire))
  ]),
  one("http2/5.1/11", "closed: DATA", CLOSED, (wire) => [headers(wire), /^DATA 1 13 END$/, text(1)]),
  one("http2/5.1/12", "closed: HEADERS", CLOSED, (wire) => [headers(wire), /^DATA 1 13 END$/, headers(wire)]),
  one("http2/5.1/13", "closed: CONTINUATION", PROTOCOL, (wire) => [
    headers(wire),
    /^DATA 1 13 END$/,
    more(1, dummy(wire))
  ]),
  one("http2/5.1.1/1", "a stream with an even number", PROTOCOL, (wire) => [headers(wire, { id: 2 })]),
  one("http2/5.1.1/2", "a stream with a number below another", PROTOCOL, (wire) => [
    headers(wire, { id: 5 }),
    headers(wire, { id: 3 })
  ]),
  one("http2/5.1.2/1", "more streams than may be open", { stream: "REFUSED_STREAM", id: 201 }, (wire) => [
    held,
    ...Array.from({ length: 101 }, (_, i) => headers(wire, { id: 1 + i * 2 }))
  ]),
  one("http2/5.3.1/1", "HEADERS of a stream that depends on itself", MALFORMED, (wire) => [
    headers(wire, { dependency: { exclusive: false, streamId: 1, weight: 255 } })
  ]),
  // An idle stream cannot be reset.
  one("http2/5.3.1/2", "PRIORITY of an idle stream that depends on itself", PROTOCOL, () => [priority(3, 3)]),
  raw(
    "http2/5.4.1/1",
    "an error of the connection ends it",
    "000008 06 00 00000003 0000000000000000",
    PROTOCOL
  ),
  one("http2/5.4.1/2", "GOAWAY names the last stream", { line: "GOAWAY 1 PROTOCOL_ERROR" }, (wire) => [
    headers(wire),
    /^DATA 1 13 END$/,
    hex("000008 06 00 00000003 0000000000000000")
  ]),
  one("http2/5.5/1", "an extension frame", PING, () => [hex("000008 16 00 00000000 0000000000000000"), ping]),
  one("http2/5.5/2", "an extension frame in a field block", PROTOCOL, (wire) => [
    headers(wire, { whole: false }),
    hex("000008 16 00 00000000 0000000000000000"),
    more(1, dummy(wire))
  ])
]

const definitions: ReadonlyArray<H2specCase> = [
  raw("http2/6.1/1", "DATA on stream 0", "000004 00 01 00000000 74657374", PROTOCOL),
  one("http2/6.1/2", "DATA on a half-closed stream", { stream: "STREAM_CLOSED" }, (wire) => [
    held,
    headers(wire),
    text(1)
  ]),
  one("http2/6.1/3", "DATA with more padding than it has octets", PROTOCOL, (wire) => [
    begun(wire),
    hex("000005 00 09 00000001 06 54657374")
  ]),
  one("http2/6.2/1", "HEADERS without END_HEADERS, and PRIORITY", PROTOCOL, (wire) => [
    headers(wire, { whole: false }),
    priority(1)
  ]),
  one("http2/6.2/2", "HEADERS without END_HEADERS, and HEADERS of another stream", PROTOCOL, (wire) => [
    headers(wire, { whole: false }),
    headers(wire, { id: 3 })
  ]),
  one("http2/6.2/3", "HEADERS on stream 0", PROTOCOL, (wire) => [headers(wire, { id: 0 })]),
  raw(
    "http2/6.2/4",
    "HEADERS with more padding than it has octets",
    "000005 01 0d 00000001 06 82868441",
    PROTOCOL
  ),
  raw("http2/6.3/1", "PRIORITY on stream 0", "000005 02 00 00000000 8000000100", PROTOCOL),
  one("http2/6.3/2", "PRIORITY of four octets", { stream: "FRAME_SIZE_ERROR" }, (wire) => [
    begun(wire),
    hex("000004 02 00 00000001 80000001")
  ]),
  raw("http2/6.4/1", "RST_STREAM on stream 0", "000004 03 00 00000000 00000008", PROTOCOL),
  raw("http2/6.4/2", "RST_STREAM on an idle stream", "000004 03 00 00000001 00000008", PROTOCOL),
  one("http2/6.4/3", "RST_STREAM of three octets", SIZE, (wire) => [
    begun(wire),
    hex("000003 03 00 00000001 000000")
  ]),
  raw("http2/6.5/1", "SETTINGS that acknowledge and say something", "000001 04 01 00000000 00", SIZE),
  raw("http2/6.5/2", "SETTINGS on a stream", "000006 04 00 00000001 000300000064", PROTOCOL),
  raw("http2/6.5/3", "SETTINGS of three octets", "000003 04 00 00000000 000300", SIZE),
  one("http2/6.5.2/1", "SETTINGS_ENABLE_PUSH of 2", PROTOCOL, () => [settings([2, 2])]),
  one("http2/6.5.2/2", "SETTINGS_INITIAL_WINDOW_SIZE of 2^31", FLOW, () => [settings([4, 0x80000000])]),
  one("http2/6.5.2/3", "SETTINGS_MAX_FRAME_SIZE of 2^14 - 1", PROTOCOL, () => [settings([5, 16_383])]),
  one("http2/6.5.2/4", "SETTINGS_MAX_FRAME_SIZE of 2^24", PROTOCOL, () => [settings([5, 16_777_216])]),
  one("http2/6.5.2/5", "an unknown setting", PING, () => [settings([0xff, 1]), ping]),
  one(
    "http2/6.5.3/1",
    "SETTINGS_INITIAL_WINDOW_SIZE twice: the last counts",
    { line: "DATA 1 1" },
    (wire) => [settings([4, 100], [4, 1]), headers(wire)]
  ),
  one("http2/6.5.3/2", "SETTINGS are acknowledged", { line: "SETTINGS ack 2" }, () => [settings([2, 0])]),
  one("http2/6.7/1", "PING", PING, () => [ping]),
  one("http2/6.7/2", "PING that acknowledges is not answered", { line: "PING ack 0102030405060708" }, () => [
    { _tag: "Ping", ack: true, data: hex("ffffffffffffffff") },
    { _tag: "Ping", ack: false, data: hex("0102030405060708") }
  ]),
  raw("http2/6.7/3", "PING on a stream", "000008 06 00 00000001 0000000000000000", PROTOCOL),
  raw("http2/6.7/4", "PING of six octets", "000006 06 00 00000000 000000000000", SIZE),
  raw("http2/6.8/1", "GOAWAY on a stream", "000008 07 00 00000001 0000000000000000", PROTOCOL),
  one("http2/6.9/1", "WINDOW_UPDATE of 0 for the connection", PROTOCOL, () => [credit(0, 0)]),
  one("http2/6.9/2", "WINDOW_UPDATE of 0 for a stream", MALFORMED, (wire) => [begun(wire), credit(1, 0)]),
  raw("http2/6.9/3", "WINDOW_UPDATE of three octets", "000003 08 00 00000000 000001", SIZE),
  one("http2/6.9.1/1", "no more is sent than a window takes", { line: "DATA 1 1" }, (wire) => [
    settings([4, 1]),
    headers(wire)
  ]),
  one("http2/6.9.1/2", "a window of the connection above 2^31 - 1", FLOW, () => [
    credit(0, 0x7fffffff),
    credit(0, 0x7fffffff)
  ]),
  one("http2/6.9.1/3", "a window of a stream above 2^31 - 1", { stream: "FLOW_CONTROL_ERROR" }, (wire) => [
    begun(wire),
    credit(1, 0x7fffffff),
    credit(1, 0x7fffffff)
  ]),
  one(
    "http2/6.9.2/1",
    "a change of SETTINGS_INITIAL_WINDOW_SIZE behind HEADERS",
    { line: "DATA 1 1" },
    (wire) => [held, headers(wire), /^HEADERS 1 200$/, settings([4, 1])]
  ),
  one("http2/6.9.2/2", "a window below 0 is remembered", { line: "DATA 1 1" }, (wire) => [
    settings([4, 3]),
    headers(wire),
    /^DATA 1 3$/,
    settings([4, 2]),
    credit(1, 2)
  ]),
  raw(
    "http2/6.9.2/3",
    "SETTINGS_INITIAL_WINDOW_SIZE above 2^31 - 1",
    "000006 04 00 00000000 000480000000",
    FLOW
  ),
  one("http2/6.10/1", "several CONTINUATION behind HEADERS", ANSWER, (wire) => [
    headers(wire, { whole: false }),
    more(1, dummy(wire), false),
    more(1, dummy(wire))
  ]),
  one("http2/6.10/2", "CONTINUATION without END_HEADERS, and DATA", PROTOCOL, (wire) => [
    headers(wire, { fields: post(), end: false, whole: false }),
    more(1, dummy(wire), false),
    text(1)
  ]),
  one("http2/6.10/3", "CONTINUATION on stream 0", PROTOCOL, (wire) => [
    headers(wire, { whole: false }),
    more(0, dummy(wire))
  ]),
  one("http2/6.10/4", "CONTINUATION behind HEADERS with END_HEADERS", PROTOCOL, (wire) => [
    headers(wire),
    more(1, dummy(wire))
  ]),
  one("http2/6.10/5", "CONTINUATION behind one with END_HEADERS", PROTOCOL, (wire) => [
    headers(wire, { whole: false }),
    more(1, dummy(wire)),
    more(1, dummy(wire))
  ]),
  one("http2/6.10/6", "CONTINUATION behind DATA", PROTOCOL, (wire) => [
    begun(wire),
    text(1),
    more(1, dummy(wire), false)
  ])
]

const messages: ReadonlyArray<H2specCase> = [
  one("http2/7/1", "GOAWAY with a code that nobody knows", PING, () => [
    { _tag: "GoAway", lastStreamId: 0, code: 0xff, debug: new Uint8Array(0) },
    ping
  ]),
  one("http2/7/2", "RST_STREAM with a code that nobody knows", PING, (wire) => [
    begun(wire),
    reset(1, 0xff),
    ping
  ]),
  one("http2/8.1/1", "a second HEADERS without END_STREAM", MALFORMED, (wire) => [
    begun(wire),
    headers(wire, { fields: [["x-test", "ok"]], end: false })
  ]),
  asks("http2/8.1.2/1", "a field name in upper case", [...get(), ["X-TEST", "ok"]]),
  asks("http2/8.1.2.1/1", "an unknown pseudo-header field", [[":test", "ok"], ...get()]),
  asks("http2/8.1.2.1/2", "a pseudo-header field of responses", [...get(), [":status", "200"]]),
  one("http2/8.1.2.1/3", "a pseudo-header field in trailers", MALFORMED, (wire) => [
    begun(wire),
    text(1, false),
    headers(wire, { fields: [[":method", "200"]] })
  ]),
  asks("http2/8.1.2.1/4", "a pseudo-header field behind another field", [
    ...without(":path"),
    ["x-test", "ok"],
    [":path", "/"]
  ]),
  asks("http2/8.1.2.2/1", "a field of HTTP/1.1 connections", [...get(), ["connection", "keep-alive"]]),
  asks("http2/8.1.2.2/2", "TE other than trailers", [...get(), ["te", "trailers, deflate"]]),
  asks("http2/8.1.2.3/1", "an empty :path", having(":path", "")),
  asks("http2/8.1.2.3/2", "no :method", without(":method")),
  asks("http2/8.1.2.3/3", "no :scheme", without(":scheme")),
  asks("http2/8.1.2.3/4", "no :path", without(":path")),
  asks("http2/8.1.2.3/5", ":method twice", [...get(), [":method", "GET"]]),
  asks("http2/8.1.2.3/6", ":scheme twice", [...get(), [":scheme", "http"]]),
  asks("http2/8.1.2.3/7", ":path twice", [...get(), [":path", "/"]]),
  one("http2/8.1.2.6/1", "another length than that of the body", MALFORMED, (wire) => [
    begun(wire, "1"),
    text(1)
  ]),
  one("http2/8.1.2.6/2", "another length than that of several DATA", MALFORMED, (wire) => [
    begun(wire, "1"),
    text(1, false),
    text(1)
  ]),
  one("http2/8.2/1", "PUSH_PROMISE", PROTOCOL, (wire) => [
    begun(wire),
    {
      _tag: "PushPromise",
      streamId: 1,
      endHeaders: true,
      promisedStreamId: 3,
      fragment: wire.headers(1, get()).fragment,
      padding: undefined
    }
  ])
]

/** All but http2/3.5/2, a preface that is none: what it is depends on how HTTP/2 was chosen. */
export const cases: ReadonlyArray<H2specCase> = [...generic, ...hpack, ...frames, ...definitions, ...messages]
