import { assert, describe, it } from "@effect/vitest"
import { acceptsHead } from "./support/expectations.ts"

const request = (version: "1.0" | "1.1", lines: string) =>
  acceptsHead(`GET / HTTP/${version}\r\nHost: a\r\n${lines}\r\n`)

describe("RFC 9112 §9.3: persistence", () => {
  for (const [version, lines, persistent] of [
    ["1.1", "", true],
    ["1.0", "", false],
    ["1.1", "Connection: close\r\n", false],
    ["1.1", "Connection: Close\r\n", false],
    ["1.1", "connection:\tCLOSE \r\n", false],
    ["1.0", "Connection: keep-alive\r\n", true],
    ["1.0", "Connection: Keep-Alive\r\n", true],
    ["1.1", "Connection: keep-alive\r\n", true],
    ["1.1", "Connection: keep-alive, close\r\n", false],
    ["1.1", "Connection: close, keep-alive\r\n", false],
    ["1.0", "Connection: keep-alive, close\r\n", false],
    ["1.1", "Connection: keep-alive\r\nConnection: close\r\n", false],
    ["1.1", "Connection: close\r\nConnection: keep-alive\r\n", false],
    ["1.0", "Connection: TE\r\nConnection: keep-alive\r\n", true],
    ["1.1", "Connection: , ,close ,\r\n", false],
    ["1.1", "Connection:\r\n", true],
    ["1.0", "Connection:\r\n", false],
    ["1.1", "Connection: closed, not-close\r\n", true],
    ["1.0", "Connection: keep-alives\r\n", false],
    ["1.1", "Connection: close\xa0\r\n", true],
    ["1.1", "Connections: close\r\n", true],
    // A name of the same length.
    ["1.1", "User-Agent: close\r\n", true],
    ["1.0", "User-Agent: keep-alive\r\n", false],
    ["1.0", "Keep-Alive: timeout=5\r\n", false],
    ["1.0", "Proxy-Connection: keep-alive\r\n", false]
  ] as const) {
    it(`HTTP/${version} with ${JSON.stringify(lines)}: ${persistent ? "goes on" : "ends"}`, () => {
      assert.strictEqual(request(version, lines).persistent, persistent)
    })
  }
})

describe("RFC 9110 §7.8: Upgrade, where Connection names it", () => {
  for (const [version, lines, upgrade] of [
    ["1.1", "Connection: upgrade\r\nUpgrade: websocket\r\n", "websocket"],
    ["1.1", "Upgrade: h2c, WebSocket\r\nConnection: keep-alive, Upgrade\r\n", "h2c, WebSocket"],
    ["1.1", "Connection: Upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n", "a, b"],
    ["1.1", "Upgrade: websocket\r\n", undefined],
    ["1.1", "Connection: upgrade\r\n", undefined],
    ["1.1", "Connection: upgrades\r\nUpgrade: websocket\r\n", undefined],
    // §7.8: a server must ignore it in HTTP/1.0.
    ["1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", undefined]
  ] as const) {
    it(`HTTP/${version} with ${JSON.stringify(lines)}: ${upgrade}`, () => {
      assert.strictEqual(request(version, lines).upgrade, upgrade)
    })
  }
})

describe("white space in lists", () => {
  // A list is taken apart in one pass. With a search that starts over this takes minutes.
  it("does not cost more than it has octets", { timeout: 20_000 }, () => {
    const limits = { headBytes: 600_000 }
    const space = " \t".repeat(100_000)
    const head = (line: string) => `GET / HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`
    assert.isTrue(acceptsHead(head(`Connection: a${space}b`), limits).persistent)
  })
})
