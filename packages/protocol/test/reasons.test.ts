/**
 * Every reason can be produced, and is produced with the status, phase and offset that are due.
 */
import { assert, describe, it } from "@effect/vitest"
import * as ConnectionId from "@nvo/protocol/http/ConnectionId"
import * as Http1Error from "@nvo/protocol/http1/Http1Error"
import * as ResponseEncoder from "@nvo/protocol/http1/ResponseEncoder"
import { Mutation } from "@nvo/testing"
import { marked, observeText, refusesAt } from "./support/expectations.ts"
import { plainError } from "./support/observe.ts"
import { reasonCases } from "./support/reasonCases.ts"

const tags = Object.keys(Http1Error.reasons) as ReadonlyArray<Http1Error.ReasonTag>

describe("every reason has a case", () => {
  it("and every case a reason", () => {
    assert.sameMembers(Object.keys(reasonCases), [...tags])
  })

  it("every reason that a request can give, save one at its end, has a mutation", () => {
    const requests = tags.filter((tag) => reasonCases[tag]._tag === "Request")
    assert.sameMembers([...new Set(Mutation.all.map((mutation) => mutation.reason))], requests)
  })

  for (const tag of tags) {
    const example = reasonCases[tag]
    it(tag, () => {
      switch (example._tag) {
        case "Request":
          refusesAt(example.text, tag, example.phase, example.status, example.limits)
          break
        case "Closed": {
          const [text, offset] = marked(example.text)
          const { atEnd, error } = observeText(text)
          assert.isUndefined(error)
          assert.deepStrictEqual(
            [atEnd?.reason, atEnd?.status, atEnd?.phase, atEnd?.offset],
            [tag, 0, example.phase, offset]
          )
          break
        }
        case "Response": {
          const exchange = {
            ...ResponseEncoder.unknownExchange(ConnectionId.make(9), 4),
            ...example.exchange
          }
          const last = example.events.reduce<ResponseEncoder.State>(
            (state, event) => ResponseEncoder.step(exchange, state, event).state,
            ResponseEncoder.initial
          )
          assert.strictEqual(last._tag, "Failed")
          if (last._tag === "Failed") {
            const { connectionId, offset, phase, reason, requestIndex, status } = plainError(last.error)
            assert.deepStrictEqual(
              { connectionId, offset, phase, reason, requestIndex, status },
              {
                connectionId: 9,
                offset: 0,
                phase: "Response",
                reason: tag,
                requestIndex: 4,
                status: example.status
              }
            )
          }
        }
      }
    })
  }
})

describe("the table of reasons", () => {
  const phases = ["RequestLine", "Fields", "Body", "Trailers", "Response"]

  for (const tag of tags) {
    const { initiator, phase, section, status, text } = Http1Error.reasons[tag]
    it(`${tag}: its section is one of an RFC, its status is one, its sentence is one`, () => {
      assert.match(section, /^RFC [1-9][0-9]{3} §[1-9][0-9]*(?:\.[1-9][0-9]*){0,3}$/)
      assert.isTrue(Number.isInteger(status))
      assert.isTrue(status === 0 || (status >= 400 && status <= 599))
      assert.include(["Peer", "Application"], initiator)
      assert.include(phases, phase)
      assert.strictEqual(phase === "Response", initiator === "Application")
      // A peer's fault is a client error, but for what the server lacks.
      if (initiator === "Peer") assert.include([0, 400, 413, 414, 417, 431, 501, 505], status)
      else assert.include([500, 501], status)
      assert.isString(text)
      assert.match(text, /^[^\s.].{4,}[^\s.]$/)
    })
  }
})

describe("an error says who, where and what", () => {
  it("for a peer's fault", () => {
    const error = Http1Error.make("MissingHost", { offset: 18 })
    assert.strictEqual(
      error.message,
      "MissingHost: an HTTP/1.1 request has no Host (RFC 9112 §3.2; octet 18 of request 1)"
    )
    assert.deepStrictEqual([error._tag, error.status, error.initiator], ["Http1Error", 400, "Peer"])
    assert.isTrue(Http1Error.isHttp1Error(error))
    assert.isFalse(Http1Error.isHttp1Error(new Error("MissingHost")))
  })

  it("for an application's fault, with the connection", () => {
    const error = Http1Error.make("InvalidStatus", {
      connectionId: ConnectionId.make(42),
      requestIndex: 3,
      detail: "99"
    })
    assert.strictEqual(
      error.message,
      "InvalidStatus: the status is not an integer from 200 to 599: 99 (RFC 9110 §15; in the response to request 3 on c42)"
    )
    assert.strictEqual(error.phase, "Response")
  })

  it("what a peer sent is shown printable and cut", () => {
    assert.strictEqual(
      Http1Error.quote('a"\r\n\0\x1b\x7f\x80\xff'),
      '"a\\"\\r\\n\\u0000\\u001b\\x7f\\x80\\xff"'
    )
    assert.strictEqual(Http1Error.quote("a".repeat(64)), `"${"a".repeat(64)}"`)
    assert.strictEqual(Http1Error.quote("a".repeat(65)), `"${"a".repeat(64)}…"`)
    assert.strictEqual(Http1Error.quoteOctet(0x0a), "0x0a")
    assert.strictEqual(Http1Error.quoteOctet(0x20), "0x20")
    assert.strictEqual(Http1Error.quoteOctet(0x41), '0x41 "A"')
    assert.strictEqual(Http1Error.quoteOctet(0xff), "0xff")
  })

  it("a message holds no octet of the peer's that moves a terminal", () => {
    const { error } = observeText("GET / HTTP/1.1\r\nHost: \x9b31m\xff\r\n\r\n")
    assert.strictEqual(error?.reason, "InvalidHost")
    assert.match(error?.message ?? "", /^[\x20-\x7e§]*$/)
  })
})
