/**
 * Work is linear in the octets, however they are cut: a delimiter search never starts over and a buffer never
 * grows by copying itself for each chunk. Measured by counting what is done with octets, so that no clock decides.
 */
import { assert, describe, it } from "@effect/vitest"
import * as RequestDecoder from "@nvo/protocol/http1/RequestDecoder"
import { Bytes } from "@nvo/testing"
import { vi } from "vitest"
import { counting, countWork, total } from "./support/countWork.ts"
import { feed } from "./support/observe.ts"

// The same module without native code, which cannot be counted.
vi.mock("../src/http/Latin1.ts", () => {
  const decode = (bytes: Uint8Array, start: number, end: number): string => {
    let text = ""
    for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i])
    return text
  }
  const encode = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))
  return { decode, encode }
})

const limits = {
  requestLineBytes: 1_000_000,
  headBytes: 1_000_000,
  fieldCount: 100_000,
  emptyLines: 100_000,
  chunkExtensionBytes: 1_000_000,
  trailerBytes: 1_000_000
}

// Text whose length grows with n, one kind for each place where octets are kept or looked through.
const kinds: Readonly<Record<string, (n: number) => string>> = {
  "a long request target": (n) => `GET /${"a".repeat(n)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  "a long field value": (n) => `GET / HTTP/1.1\r\nHost: a\r\nX: ${"v".repeat(n)}\r\n\r\n`,
  "a long field name": (n) => `GET / HTTP/1.1\r\nHost: a\r\n${"N".repeat(n)}: v\r\n\r\n`,
  "white space around a value": (n) =>
    `GET / HTTP/1.1\r\nHost: a\r\nX:${" ".repeat(n)}v${"\t".repeat(n)}\r\n\r\n`,
  "white space inside a value": (n) => `GET / HTTP/1.1\r\nHost: a\r\nX: a${" ".repeat(n)}b\r\n\r\n`,
  "many field lines": (n) => `GET / HTTP/1.1\r\nHost: a\r\n${"A: b\r\n".repeat(n / 6)}\r\n`,
  "many empty lines": (n) => `${"\r\n".repeat(n / 2)}GET / HTTP/1.1\r\nHost: a\r\n\r\n`,
  "a body of known length": (n) =>
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${n}\r\n\r\n${"x".repeat(n)}`,
  "many chunks": (n) =>
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(n / 6)}0\r\n\r\n`,
  "one chunk": (n) =>
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${n.toString(16)}\r\n${"x".repeat(n)}\r\n0\r\n\r\n`,
  "a long chunk extension": (n) =>
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a="${"x".repeat(n)}"\r\nx\r\n0\r\n\r\n`,
  "many trailers": (n) =>
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${"A: b\r\n".repeat(n / 6)}\r\n`,
  "one long trailer": (n) =>
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ${"v".repeat(n)}\r\n\r\n`,
  "many pipelined requests": (n) => "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(n / 27)
}

const ways: Readonly<Record<string, (bytes: Uint8Array) => ReadonlyArray<Uint8Array>>> = {
  "octet by octet": Bytes.octets,
  "in chunks of 7": (bytes) =>
    Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) => bytes.slice(i * 7, i * 7 + 7)),
  "in one chunk": (bytes) => [bytes]
}

type Decode = (chunks: ReadonlyArray<Uint8Array>) => void

const decode: Decode = (chunks) => {
  const state = feed(RequestDecoder.make({ limits }), chunks, () => {})
  assert.strictEqual(state._tag, "Idle")
}

const workOf = (decode: Decode, chunks: ReadonlyArray<Uint8Array>): number => {
  const fed = chunks.map((chunk) => counting(Uint8Array.from(chunk)))
  return total(countWork(() => decode(fed)))
}

// Read by the scan, kept in a buffer that at most doubles (allocated and copied), read again at the end of the
// head, and turned into text: a dozen for each octet is ample, and what a quadratic decoder does is far above.
const PER_OCTET = 12
// The buffer of each head begins with a fixed size.
const PER_MESSAGE = 2_048

const budget = (text: string): number =>
  text.length * PER_OCTET + (text.split(" HTTP/1.1").length - 1) * PER_MESSAGE

const N = 2_016

describe("work is linear in the octets", () => {
  for (const [kind, text] of Object.entries(kinds)) {
    for (const [way, cut] of Object.entries(ways)) {
      it(`${kind}, ${way}`, () => {
        for (const n of [N, N * 4]) {
          const work = workOf(decode, cut(Bytes.fromText(text(n))))
          assert.isAtMost(work, budget(text(n)))
          // The count works at all: nothing is understood without reading a head at least once.
          assert.isAbove(work, "GET / HTTP/1.1".length)
        }
      })
    }
  }
})

// Decoders as they should not be: the measure must see the difference.
describe("the measure catches", () => {
  const text = kinds["a long field value"](N)
  const bytes = Bytes.fromText(text)
  const allowed = budget(text)

  it("a decoder that starts over with each octet", () => {
    const startsOver: Decode = (chunks) => {
      let all = new Uint8Array(0)
      for (const chunk of chunks) {
        const longer = new Uint8Array(all.length + chunk.length)
        longer.set(all, 0)
        longer.set(chunk, all.length)
        all = longer
        RequestDecoder.step(RequestDecoder.make({ limits }), RequestDecoder.initial, all)
      }
    }
    assert.isAbove(workOf(startsOver, Bytes.octets(bytes)), allowed * 10)
  })

  it("a buffer that copies itself for each octet", () => {
    const copies: Decode = (chunks) => {
      let all = new Uint8Array(0)
      for (const chunk of chunks) {
        const longer = new Uint8Array(all.length + chunk.length)
        longer.set(all, 0)
        longer.set(chunk, all.length)
        all = longer
      }
    }
    assert.isAbove(workOf(copies, Bytes.octets(bytes)), allowed * 10)
  })

  it("a search for the end of the head that goes back to its beginning", () => {
    const searches: Decode = (chunks) => {
      const all = new Uint8Array(bytes.length)
      let length = 0
      for (const chunk of chunks) {
        all.set(chunk, length)
        length += chunk.length
        for (let i = 0; i + 3 < length; i++) if (all[i] === 13 && all[i + 2] === 13) break
      }
    }
    assert.isAbove(workOf(searches, Bytes.octets(bytes)), allowed * 10)
  })
})
