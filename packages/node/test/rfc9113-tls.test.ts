/**
 * RFC 9113 §3.1 to §3.3 and §9.2: which protocol is spoken over TLS, and what of TLS it is spoken over. Each test talks to
 * a server by a socket of its own.
 */
import * as Net from "node:net"
import type * as Tls from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import { ServerConnection } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Certificates from "./support/certificates.ts"
import { get, Http2Wire } from "./support/http2Wire.ts"
import { serve } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"
import * as Wire from "./support/Wire.ts"

const app = Effect.succeed(HttpServerResponse.text("Hello, World!"))

const serveTls = (algorithm: "ecdsa" | "rsa" = "ecdsa") =>
  Effect.flatMap(Certificates.selfSigned("localhost", algorithm), (tls) => serve(app, { tls }))

const connect = (port: number, options: Tls.ConnectionOptions = {}) =>
  Wire.connectTls({
    port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
    servername: "localhost",
    ALPNProtocols: ["h2"],
    ...options
  })

const tlsOf = ({ socket }: Wire.Wire): Tls.TLSSocket => socket as Tls.TLSSocket

/** Greets and asks for something. */
const ask = (wire: Http2Wire) => {
  wire.write(Buffer.from(ServerConnection.PREFACE, "latin1"))
  wire.send({ _tag: "Settings", ack: false, entries: [] }, wire.headers(1, get()))
}

/** A connection that gets its answer over HTTP/2. */
const isServed = (port: number, options?: Tls.ConnectionOptions) =>
  Effect.gen(function* () {
    const { socket } = yield* connect(port, options)
    const wire = new Http2Wire(socket)
    ask(wire)
    yield* wire.sees("DATA 1 13 END")
    return socket as Tls.TLSSocket
  })

const refusal = (port: number, options: Tls.ConnectionOptions) =>
  Effect.map(Effect.flip(connect(port, options)), (error) => (error as NodeJS.ErrnoException).code)

const opaque = (bytes: Uint8Array, lengthBytes: number): Buffer => {
  const length = Buffer.alloc(lengthBytes)
  length.writeUIntBE(bytes.length, 0, lengthBytes)
  return Buffer.concat([length, bytes])
}

const extension = (type: number, body: Uint8Array) =>
  Buffer.concat([Buffer.from([type >> 8, type & 0xff]), opaque(body, 2)])

// A ClientHello of TLS 1.2 that offers DEFLATE before no compression, RFC 3749 and RFC 5246 §7.4.1.2.
const helloWithCompression = (): Buffer => {
  const hello = Buffer.concat([
    Buffer.from([0x03, 0x03]),
    Buffer.alloc(32, 0x5a),
    opaque(Buffer.alloc(0), 1),
    // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256.
    opaque(Buffer.from([0xc0, 0x2b]), 2),
    opaque(Buffer.from([1, 0]), 1),
    opaque(
      Buffer.concat([
        // P-256, uncompressed points, ECDSA with SHA-256, h2.
        extension(10, opaque(Buffer.from([0x00, 0x17]), 2)),
        extension(11, opaque(Buffer.from([0]), 1)),
        extension(13, opaque(Buffer.from([0x04, 0x03]), 2)),
        extension(16, opaque(opaque(Buffer.from("h2"), 1), 2))
      ]),
      2
    )
  ])
  const handshake = Buffer.concat([Buffer.from([1]), opaque(hello, 3)])
  return Buffer.concat([Buffer.from([0x16, 0x03, 0x01]), opaque(handshake, 2)])
}

// Without the openssl program the tests are reported as skipped.
describe.skipIf(!Certificates.available)("RFC 9113 §3.1 and §3.2: HTTP/2 over TLS", () => {
  it.live("§3.1: h2 is what ALPN says for it, and h2c is never selected", () =>
    Effect.gen(function* () {
      const { port } = yield* serveTls()
      const chosen = (...ALPNProtocols: ReadonlyArray<string>) =>
        Effect.map(connect(port, { ALPNProtocols: [...ALPNProtocols] }), (wire) => tlsOf(wire).alpnProtocol)
      assert.strictEqual(yield* chosen("h2c", "h2"), "h2")
      assert.strictEqual(yield* chosen("h2c", "http/1.1"), "http/1.1")
      assert.strictEqual(
        yield* refusal(port, { ALPNProtocols: ["h2c"] }),
        "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL"
      )
    })
  )

  it.live("§3.2 and §3.4: the server's preface comes first, whatever the client says", () =>
    Effect.gen(function* () {
      const { port } = yield* serveTls()
      const wire = new Http2Wire((yield* connect(port)).socket)
      yield* eventually("a frame", () => wire.lines.length > 0)
      // SETTINGS are no line; what stands behind them is.
      assert.match(wire.lines[0], /^WINDOW_UPDATE 0 /)
      assert.isTrue(wire.greeted)
    })
  )

  it.live("§3.3: over TLS the preface does not choose HTTP/2: without ALPN it is a request of HTTP/1.1", () =>
    Effect.gen(function* () {
      const { port } = yield* serveTls()
      for (const ALPNProtocols of [[], ["http/1.1"]]) {
        const wire = yield* connect(port, { ALPNProtocols })
        yield* wire.send(ServerConnection.PREFACE)
        assert.strictEqual((yield* wire.response()).status, 505)
      }
    })
  )

  it.live("§3.4: what is not the preface, where h2 was chosen, is a connection error PROTOCOL_ERROR", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serveTls()
      const wire = new Http2Wire((yield* connect(port)).socket)
      wire.write(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
      yield* wire.sees("GOAWAY 0 PROTOCOL_ERROR")
      yield* wire.ends
      assert.deepStrictEqual(
        errors.map(({ reason }) => reason._tag),
        ["InvalidPreface"]
      )
    })
  )
})

describe.skipIf(!Certificates.available)("RFC 9113 §9.2 use of TLS features", () => {
  it.live("TLS 1.2 and TLS 1.3 are spoken, and nothing older", () =>
    Effect.gen(function* () {
      const { port } = yield* serveTls()
      for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
        const socket = yield* isServed(port, { minVersion: version, maxVersion: version })
        assert.strictEqual(socket.getProtocol(), version)
      }
      const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const
      assert.strictEqual(yield* refusal(port, old), "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION")
    })
  )

  it.live("§9.2.1: TLS compression is not chosen though it is offered", () =>
    Effect.gen(function* () {
      const { port } = yield* serveTls()
      const answer = yield* Effect.callback<Buffer>((resume) => {
        const socket = Net.connect(port, "127.0.0.1", () => socket.write(helloWithCompression()))
        let came = Buffer.alloc(0)
        socket.on("data", (chunk: Buffer) => {
          came = Buffer.concat([came, chunk])
          // Record and handshake headers, version, random and the session's length with the session.
          if (came.length < 44 || came.length < 44 + came[43] + 3) return
          socket.destroy()
          resume(Effect.succeed(came))
        })
      })
      // A ServerHello of TLS 1.2 with the cipher suite that was offered, and no compression.
      assert.deepStrictEqual([answer[0], answer[5], answer[9], answer[10]], [0x16, 0x02, 0x03, 0x03])
      const at = 44 + answer[43]
      assert.deepStrictEqual([...answer.subarray(at, at + 3)], [0xc0, 0x2b, 0])
    })
  )

  it.live("§9.2.1: a renegotiation is refused", () =>
    Effect.gen(function* () {
      const { port } = yield* serveTls()
      const socket = yield* isServed(port, { maxVersion: "TLSv1.2" })
      const error = yield* Effect.callback<Error | null>((resume) => {
        socket.once("error", (error) => resume(Effect.succeed(error)))
        socket.renegotiate({ rejectUnauthorized: false }, (error) => resume(Effect.succeed(error)))
      })
      assert.strictEqual((error as NodeJS.ErrnoException).code, "ERR_SSL_NO_RENEGOTIATION")
      yield* isServed(port, { maxVersion: "TLSv1.2" })
    })
  )

  it.live("§9.2.2: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 with P-256 is supported", () =>
    Effect.gen(function* () {
      const { port } = yield* serveTls("rsa")
      const socket = yield* isServed(port, {
        maxVersion: "TLSv1.2",
        ciphers: "ECDHE-RSA-AES128-GCM-SHA256",
        ecdhCurve: "P-256"
      })
      assert.strictEqual(socket.getCipher().standardName, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
      assert.include(socket.getEphemeralKeyInfo(), { name: "prime256v1", size: 256 })
    })
  )

  const suites = {
    ecdsa: {
      taken: [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305"
      ],
      prohibited: ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"]
    },
    rsa: {
      taken: ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"],
      prohibited: ["ECDHE-RSA-AES128-SHA256", "AES128-GCM-SHA256", "AES256-SHA"]
    }
  } as const

  for (const algorithm of ["ecdsa", "rsa"] as const) {
    const { prohibited, taken } = suites[algorithm]

    it.live(
      `§9.2.2: a prohibited cipher suite is a connection error INADEQUATE_SECURITY (${algorithm})`,
      () =>
        Effect.gen(function* () {
          const { errors, port } = yield* serveTls(algorithm)
          for (const ciphers of prohibited) {
            const wire = new Http2Wire((yield* connect(port, { maxVersion: "TLSv1.2", ciphers })).socket)
            ask(wire)
            yield* wire.sees("GOAWAY 0 INADEQUATE_SECURITY")
            yield* wire.ends
            assert.isTrue(wire.greeted)
            assert.notInclude(wire.lines, "DATA 1 13 END")
          }
          yield* eventually("the reports", () => errors.length === prohibited.length)
          assert.isTrue(errors.every(({ reason }) => reason._tag === "InadequateSecurity"))
        })
    )

    it.live(`§9.2.2: one that is not prohibited is no error (${algorithm})`, () =>
      Effect.gen(function* () {
        const { port } = yield* serveTls(algorithm)
        for (const ciphers of taken) yield* isServed(port, { maxVersion: "TLSv1.2", ciphers })
      })
    )

    it.live(`§9.2.2: HTTP/1.1 may use them all (${algorithm})`, () =>
      Effect.gen(function* () {
        const { port } = yield* serveTls(algorithm)
        for (const ciphers of [...prohibited, ...taken]) {
          const wire = yield* connect(port, { maxVersion: "TLSv1.2", ciphers, ALPNProtocols: ["http/1.1"] })
          yield* wire.send(Wire.request("GET", "/"))
          assert.strictEqual((yield* wire.response()).status, 200)
        }
      })
    )
  }
})
