/** curl as a peer. */

import * as Fs from "node:fs"
import * as Path from "node:path"
import { assert, describe } from "@effect/vitest"
import type { NvoServer } from "@nvo/node"
import * as Effect from "effect/Effect"
import { app } from "./support/peersApp.ts"
import * as Certificate from "./support/peersCertificate.ts"
import { folder, peerTest, type RunOptions, run } from "./support/peersPrograms.ts"
import { serve } from "./support/serve.ts"

/** Serves, and runs curl against it; `{}` in an argument is where the server is. */
const curl = Effect.fnUntraced(function* (
  path: string,
  args: ReadonlyArray<string>,
  options: RunOptions & { readonly server?: NvoServer.Options } = {}
) {
  const server = yield* serve(app, options.server)
  const scheme = options.server?.tls === undefined ? "http" : "https"
  const ended = yield* run(
    path,
    [
      "-sS",
      "--max-time",
      "20",
      ...args.map((arg) => arg.replaceAll("{}", `${scheme}://localhost:${server.port}`))
    ],
    options
  )
  assert.strictEqual(ended.code, 0, ended.stderr)
  assert.deepStrictEqual(server.errors, [])
  return ended
})

const large = Buffer.alloc(5_000_000, 98)

describe("curl", () => {
  peerTest("curl", "gets a text", (path) =>
    Effect.gen(function* () {
      const { stdout } = yield* curl(path, ["-i", "{}/"])
      assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(stdout, /\r\ncontent-length: 13\r\n/)
      assert.match(stdout, /\r\n\r\nHello, World!$/)
    })
  )

  peerTest("curl", "posts a form", (path) =>
    Effect.gen(function* () {
      const { stdout } = yield* curl(path, ["-d", "a=1&b=2", "{}/echo"])
      assert.strictEqual(stdout, "a=1&b=2")
    })
  )

  peerTest("curl", "uploads in chunks", (path) =>
    Effect.gen(function* () {
      const { stdout, stderr } = yield* curl(path, ["-v", "-T", "-", "{}/count"], { input: large })
      assert.match(stderr, /> Transfer-Encoding: chunked/)
      assert.deepStrictEqual(JSON.parse(stdout), { octets: large.length })
    })
  )

  peerTest("curl", "waits for 100 (Continue), and gets it", (path) =>
    Effect.gen(function* () {
      const args = ["-v", "-H", "Expect: 100-continue", "--expect100-timeout", "15", "--data-binary", "@-"]
      const { stderr, stdout } = yield* curl(path, [...args, "{}/count"], { input: large })
      assert.match(stderr, /< HTTP\/1\.1 100 Continue/)
      assert.deepStrictEqual(JSON.parse(stdout), { octets: large.length })
    })
  )

  peerTest("curl", "is told 413 instead of 100 (Continue), and sends no body", (path) =>
    Effect.gen(function* () {
      const args = ["-v", "-H", "Expect: 100-continue", "--expect100-timeout", "15", "--data-binary", "@-"]
      const { stderr } = yield* curl(
        path,
        [...args, "-w", "%{stderr}%{http_code} %{size_upload}", "{}/read"],
        {
          input: large
        }
      )
      assert.notMatch(stderr, /100 Continue/)
      assert.match(stderr, /413 0$/)
    })
  )

  peerTest("curl", "asks for a head only", (path) =>
    Effect.gen(function* () {
      const { stdout } = yield* curl(path, ["-I", "{}/"])
      assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(stdout, /\r\ncontent-length: 13\r\n/)
      assert.match(stdout, /\r\n\r\n$/)
    })
  )

  peerTest("curl", "reads a stream to its end by HTTP/1.1 and by HTTP/1.0", (path) =>
    Effect.gen(function* () {
      const newer = yield* curl(path, ["-v", "{}/stream"])
      assert.strictEqual(newer.stdout, "a".repeat(1_048_576))
      assert.match(newer.stderr, /< transfer-encoding: chunked/)
      const older = yield* curl(path, ["-v", "--http1.0", "{}/stream"])
      assert.strictEqual(older.stdout, "a".repeat(1_048_576))
      assert.notMatch(older.stderr, /< transfer-encoding/)
      assert.match(older.stderr, /< connection: close/)
    })
  )

  peerTest("curl", "keeps a connection for several requests", (path) =>
    Effect.gen(function* () {
      const { stderr, stdout } = yield* curl(path, [
        "-w",
        "%{stderr}[%{num_connects}]",
        "{}/tell/1",
        "{}/stream",
        "{}/tell/2",
        "{}/tell/3"
      ])
      assert.strictEqual(stdout, `1${"a".repeat(1_048_576)}23`)
      assert.strictEqual(stderr, "[1][0][0][0]")
    })
  )

  peerTest("curl", "speaks TLS, agrees on http/1.1 and trusts the certificate", (path) =>
    Effect.gen(function* () {
      const ca = Path.join(yield* folder, "ca.pem")
      Fs.writeFileSync(ca, Certificate.cert)
      const { stderr, stdout } = yield* curl(
        path,
        ["-v", "--http1.1", "--cacert", ca, "--data-binary", "@-", "{}/count"],
        { server: { tls: Certificate }, input: large }
      )
      assert.match(stderr, /ALPN: server accepted http\/1\.1/)
      assert.deepStrictEqual(JSON.parse(stdout), { octets: large.length })
    })
  )

  peerTest("curl", "uses a unix socket", (path) =>
    Effect.gen(function* () {
      const socket = Path.join(yield* folder, "socket")
      const { stdout } = yield* curl(path, ["--unix-socket", socket, "http://localhost/tell/unix"], {
        server: { path: socket }
      })
      assert.strictEqual(stdout, "unix")
    })
  )
})
