/** TLS: certificates by name, protocols, and handshakes that fail. */

import * as Net from "node:net"
import * as Tls from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import type { Certificate, TlsOptions } from "@nvo/node"
import { Effect, Exit, Option, Redacted, Scope } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Certificates from "./support/certificates.ts"
import * as PeersCertificate from "./support/peersCertificate.ts"
import { drained, nextError } from "./support/rawServer.ts"
import { type App, serve } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"
import * as Wire from "./support/Wire.ts"

const app: App = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
  HttpServerResponse.json({
    url: String(Option.getOrUndefined(HttpServerRequest.toURL(request))),
    remote: Option.getOrUndefined(request.remoteAddress)
  })
)

const serveTls = (options: Partial<TlsOptions> = {}, more: Readonly<Record<string, Certificate>> = {}) =>
  Effect.gen(function* () {
    const main = yield* Certificates.selfSigned("main.test")
    const running = yield* serve(app, { tls: { ...main, serverNames: more, ...options } })
    return { ...running, main }
  })

const connect = (port: number, options: Tls.ConnectionOptions = {}) =>
  Wire.connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, servername: "main.test", ...options })

const peerName = (wire: Wire.Wire): unknown => (wire.socket as Tls.TLSSocket).getPeerCertificate().subject?.CN

// Without the openssl program the tests are reported as skipped.
describe.skipIf(!Certificates.available)("TLS", () => {
  it.live("carries requests, and the app sees https and the peer", () =>
    Effect.gen(function* () {
      const { port } = yield* serveTls()
      const wire = yield* connect(port)
      for (let i = 0; i < 2; i++) {
        yield* wire.send(Wire.request("GET", "/a"))
        assert.deepStrictEqual(JSON.parse((yield* wire.response()).body.toString()), {
          url: "https://localhost/a",
          remote: "127.0.0.1"
        })
      }
      yield* wire.finish
      assert.isTrue(yield* wire.end)
    })
  )

  it.live("is trusted by a client that knows the certificate", () =>
    Effect.gen(function* () {
      const { main, port } = yield* serveTls()
      const wire = yield* connect(port, { ca: main.cert, rejectUnauthorized: true })
      assert.isTrue((wire.socket as Tls.TLSSocket).authorized)
    })
  )

  it.live("chooses h2 before http/1.1 by ALPN, and refuses a client that speaks neither", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serveTls()
      const chosen = (ALPNProtocols: ReadonlyArray<string>) =>
        Effect.map(
          connect(port, { ALPNProtocols: [...ALPNProtocols] }),
          ({ socket }) => (socket as Tls.TLSSocket).alpnProtocol
        )
      assert.strictEqual(yield* chosen(["http/1.1", "h2"]), "h2")
      assert.strictEqual(yield* chosen(["http/1.1"]), "http/1.1")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(connect(port, { ALPNProtocols: ["spdy/3"] }))))
      yield* eventually("the report", () => errors.length > 0)
      assert.deepStrictEqual(
        errors.map(({ reason }) => reason._tag),
        ["TlsHandshakeFailed"]
      )
    })
  )

  it.live("shows each server name its certificate, wildcards too, and others the main one", () =>
    Effect.gen(function* () {
      const names = {
        "shop.test": yield* Certificates.selfSigned("shop.test"),
        "*.wild.test": yield* Certificates.selfSigned("wild.test")
      }
      const { port } = yield* serveTls({}, names)
      for (const [servername, expected] of [
        ["main.test", "main.test"],
        ["shop.test", "shop.test"],
        ["SHOP.test", "shop.test"],
        ["a.wild.test", "wild.test"],
        ["a.b.wild.test", "main.test"],
        ["unknown.test", "main.test"]
      ]) {
        const wire = yield* connect(port, { servername })
        assert.strictEqual(peerName(wire), expected, servername)
      }
    })
  )

  it.live("takes a redacted key", () =>
    Effect.gen(function* () {
      const { cert, key } = yield* Certificates.selfSigned("main.test")
      const { port } = yield* serve(app, { tls: { cert, key: Redacted.make(key) } })
      assert.strictEqual(peerName(yield* connect(port)), "main.test")
    })
  )

  it.live("asks for client certificates and refuses those that it does not know", () =>
    Effect.gen(function* () {
      const client = yield* Certificates.selfSigned("client.test")
      const stranger = yield* Certificates.selfSigned("stranger.test")
      const { port } = yield* serveTls({ requestCert: true, ca: client.cert })
      const known = yield* connect(port, { cert: client.cert, key: client.key })
      yield* known.send(Wire.request("GET", "/"))
      assert.strictEqual((yield* known.response()).status, 200)
      for (const options of [{}, { cert: stranger.cert, key: stranger.key }]) {
        // With TLS 1.3 the client's side completes first, and an alert tells it afterwards.
        const refused = yield* connect(port, { ...options, minVersion: "TLSv1.3" })
        refused.sendUnsafe(Wire.request("GET", "/"))
        yield* refused.end
        assert.strictEqual(refused.rest, "")
      }
    })
  )

  it.live("with a bad certificate or key does not start: ServeError", () =>
    Effect.gen(function* () {
      const { cert, key } = yield* Certificates.selfSigned("main.test")
      const other = yield* Certificates.selfSigned("main.test")
      const bad: ReadonlyArray<TlsOptions> = [
        { cert: "not a certificate", key },
        { cert, key: "not a key" },
        { cert, key: other.key },
        { cert, key, serverNames: { "a.test": { cert: "broken", key } } }
      ]
      for (const tls of bad) {
        const error = yield* Effect.flip(serve(app, { tls }))
        assert.strictEqual(error._tag, "ServeError")
        assert.instanceOf(error.cause, Error)
      }
    })
  )

  it.live("is not disturbed by peers that speak something else, or leave in the handshake", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serveTls()
      const plain = yield* Wire.connect(port)
      yield* plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      yield* plain.end
      const gone = yield* Wire.connect(port)
      yield* gone.send(Uint8Array.of(0x16, 0x03, 0x01))
      yield* gone.reset
      yield* eventually("both reports", () => errors.length >= 2)
      assert.deepStrictEqual([...new Set(errors.map(({ reason }) => reason._tag))], ["TlsHandshakeFailed"])
      const wire = yield* connect(port)
      yield* wire.send(Wire.request("GET", "/"))
      assert.strictEqual((yield* wire.response()).status, 200)
    })
  )

  it.live("is over at once where a peer sends what is no TLS, behind its handshake", () =>
    Effect.gen(function* () {
      const { connections, errors, port } = yield* serveTls({ alpnProtocols: ["http/1.1"] })
      const { socket } = yield* Wire.connect(port)
      const tls = yield* Effect.callback<Tls.TLSSocket>((resume) => {
        const tls = Tls.connect({ socket, rejectUnauthorized: false, servername: "main.test" }, () => {
          resume(Effect.succeed(tls))
        })
        tls.on("error", () => {})
      })
      tls.write(Wire.request("GET", "/"))
      yield* Effect.callback<void>((resume) => void tls.once("data", () => resume(Effect.void)))
      // A record of application data that nobody has encrypted.
      socket.write(Buffer.from([0x17, 0x03, 0x03, 0x00, 0x05, 1, 2, 3, 4, 5]))
      yield* eventually("the connection's end", () => Effect.runSync(connections.count) === 0)
      assert.deepStrictEqual(
        errors.map(({ reason }) => reason._tag),
        ["ConnectionReset"]
      )
    })
  )

  it.live("drops handshakes under way when the server ends", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { cert, key } = yield* Certificates.selfSigned("main.test")
      const { port } = yield* Scope.provide(serve(app, { tls: { cert, key } }), scope)
      const silent = yield* Wire.connect(port)
      yield* Effect.sleep(20)
      yield* Scope.close(scope, Exit.void)
      yield* silent.end
    })
  )

  it.live("sends and takes bodies larger than its records", () =>
    Effect.gen(function* () {
      const { cert, key } = yield* Certificates.selfSigned("main.test")
      const { port } = yield* serve(
        Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
          HttpServerResponse.stream(request.stream)
        ),
        { tls: { cert, key } }
      )
      const wire = yield* connect(port)
      const body = Buffer.alloc(500_000, "0123456789")
      wire.sendUnsafe(Wire.request("POST", "/", {}, body))
      assert.isTrue((yield* wire.response("POST")).body.equals(body))
    })
  )

  it.live("gives its last octets to a peer when the connection closes", () =>
    Effect.gen(function* () {
      const { cert, key } = yield* Certificates.selfSigned("main.test")
      const { port } = yield* serve(Effect.succeed(HttpServerResponse.uint8Array(new Uint8Array(300_000))), {
        tls: { cert, key }
      })
      const wire = yield* connect(port)
      yield* wire.send(Wire.request("GET", "/", { Connection: "close" }))
      const response = yield* wire.response()
      assert.isTrue(response.complete)
      assert.strictEqual(response.body.length, 300_000)
      assert.isTrue(yield* wire.end)
    })
  )

  it.live("is not spoken on a server without it", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(app)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(connect(port))))
    })
  )
})

describe("a TLS handshake", () => {
  it.live("that is not complete in time ends with its connection, and is reported", () =>
    Effect.gen(function* () {
      const server = yield* serve(app, { tls: PeersCertificate, tlsHandshakeTimeout: "200 millis" })
      const closed = yield* Effect.callback<boolean>((resume) => {
        const socket = Net.connect(server.port, "127.0.0.1")
        // A record begins and never ends.
        socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]))
        socket.on("error", () => {})
        socket.on("close", () => resume(Effect.succeed(true)))
      })
      assert.isTrue(closed)
      const error = yield* nextError(server)
      assert.strictEqual(error.reason._tag, "TlsHandshakeFailed")
      assert.match(error.message, /not complete after 200 ms/)
      // And one that takes its time, but not too much of it, is served.
      const wire = yield* Wire.connectTls({
        port: server.port,
        host: "127.0.0.1",
        ca: PeersCertificate.cert,
        servername: "localhost"
      })
      yield* Effect.sleep(400)
      yield* wire.send(Wire.request("GET", "/"))
      assert.strictEqual((yield* wire.response()).status, 200)
      yield* wire.leave
      yield* drained(server)
    })
  )
})
