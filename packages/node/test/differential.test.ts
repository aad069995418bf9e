/**
 * One app on `NvoServer` and on `NodeHttpServer`, the same octets to both, and the same answers from both but for
 * the differences in `intendedDifferences.ts`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import * as Differential from "./support/differential.ts"
import { readers } from "./support/differentialRequests.ts"
import { responses } from "./support/differentialResponses.ts"
import * as Intended from "./support/intendedDifferences.ts"

const SEED = 20_260_101
const RUNS = 300

const pick = (observation: Differential.Observation, expected: Intended.Expected): Intended.Expected =>
  Object.fromEntries(
    Object.keys(expected).map((key) => [key, observation[key as keyof Intended.Expected]])
  ) as Intended.Expected

const compare = (
  request: Differential.Request,
  nvo: Differential.Observation,
  peer: Differential.Observation
): void => {
  const departure = Intended.departureOf(request)
  if (departure !== undefined) {
    assert.deepStrictEqual(pick(nvo, departure.nvo), departure.nvo, `nvo: ${request.name}: ${departure.name}`)
    assert.deepStrictEqual(
      pick(peer, departure.peer),
      departure.peer,
      `peer: ${request.name}: ${departure.name}`
    )
    return
  }
  assert.deepStrictEqual(Intended.normalise(nvo, request), Intended.normalise(peer, request), request.name)
}

const ask = (ports: Differential.Ports, requests: ReadonlyArray<Differential.Request>) =>
  Effect.gen(function* () {
    const nvo = yield* Differential.converse(ports.nvo, requests)
    const peer = yield* Differential.converse(ports.peer, requests)
    assert.strictEqual(nvo.length, requests.length)
    assert.strictEqual(peer.length, requests.length)
    return requests.map((request, i) => ({ request, nvo: nvo[i], peer: peer[i] }))
  })

const agree = (ports: Differential.Ports, requests: ReadonlyArray<Differential.Request>) =>
  Effect.map(ask(ports, requests), (answers) => {
    for (const { nvo, peer, request } of answers) compare(request, nvo, peer)
  })

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const multipart = [
  "--B",
  'content-disposition: form-data; name="name"',
  "",
  "Ann",
  "--B",
  'content-disposition: form-data; name="f"; filename="ü.txt"',
  "content-type: text/plain",
  "",
  "hello",
  "--B--",
  ""
].join("\r\n")

interface Content {
  readonly type: string | undefined
  readonly body: Uint8Array
}

const contents: ReadonlyArray<Content> = [
  { type: undefined, body: bytes("") },
  { type: undefined, body: bytes("Grüße, 世界") },
  { type: undefined, body: Uint8Array.of(0xef, 0xbb, 0xbf, 0xff, 0x41) },
  { type: undefined, body: bytes("x".repeat(64)) },
  { type: undefined, body: bytes("x".repeat(65)) },
  { type: undefined, body: bytes("x".repeat(150_000)) },
  { type: "application/json", body: bytes('{"name":"Ann","age":"3"}') },
  { type: "application/json", body: bytes('{"name":"Ann","age":"three"}') },
  { type: "application/json", body: bytes('{"name":') },
  { type: "application/json", body: bytes("null") },
  { type: "application/x-www-form-urlencoded", body: bytes("name=Ann&age=3&x=%zz&x=+&?=1") },
  { type: "application/x-www-form-urlencoded", body: bytes("?name=Ann") },
  { type: "multipart/form-data; boundary=B", body: bytes(multipart) },
  { type: "multipart/form-data; boundary=B", body: bytes(multipart.slice(0, 60)) },
  { type: "multipart/form-data; boundary=C", body: bytes(multipart) },
  { type: "multipart/form-data", body: bytes(multipart) }
]

const contentFields = ({ type }: Content): ReadonlyArray<readonly [string, string]> =>
  type === undefined ? [] : [["Content-Type", type]]

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

const fieldLines: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  fc.tuple(
    fc.constantFrom(
      "X-Name",
      "x-name",
      "Accept",
      "X-Twice",
      "Referer",
      "User-Agent",
      "Authorization",
      "From",
      "If-Match"
    ),
    fc.string({ unit: fc.constantFrom("a", "B", "7", " ", ",", ";", "=", '"', "é", "\u00ff"), maxLength: 12 })
  ),
  fc.tuple(
    fc.constant("Cookie"),
    fc.string({ unit: fc.constantFrom("a", "b", "=", ";", " ", '"', "%20", "%zz"), maxLength: 12 })
  )
)

const queries = fc.string({
  unit: fc.constantFrom("a", "name", "age", "=", "&", "1", "%20", "+", "%C3%BC", "?", "/", ";", "%zz", "#"),
  maxLength: 8
})

const targets = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...Object.keys(responses).map((name) => `/response/${name}`)) },
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom(...Object.keys(readers)), queries)
      .map(([name, query]) => `/request/${name}${query === "" ? "" : `?${query}`}`)
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "/none",
      "/",
      "/get-only",
      "/get-only/",
      "/response/none",
      "http://other:81/request/head?x=1"
    )
  }
)

const requests: fc.Arbitrary<Differential.Request> = fc
  .record({
    method: fc.constantFrom(...methods),
    target: targets,
    fields: fc.array(fieldLines, { maxLength: 4 }),
    content: fc.constantFrom(...contents),
    cuts: fc.option(fc.array(fc.nat(200_000), { maxLength: 5 }), { nil: undefined }),
    expects: fc.boolean()
  })
  .map(({ content, cuts, expects, fields, method, target }) => {
    const request = Differential.makeRequest({
      method,
      target,
      fields: [...fields, ...contentFields(content)],
      body: content.body,
      ...(cuts === undefined ? {} : { cuts }),
      // A peer that expects 100 and sends nothing has nothing to wait for.
      expects: expects && content.body.length > 0
    })
    return { ...request, [fc.toStringMethod]: () => request.octets.toString("latin1", 0, 500) }
  })

const example = (text: string): Differential.Request => {
  const [method, target, ...marks] = text.split(" ")
  const length = marks.includes("large") ? 150_000 : marks.length > 0 ? 100 : 0
  return Differential.makeRequest({
    method,
    target,
    body: new Uint8Array(length).fill(0x61),
    expects: marks.includes("expects")
  })
}

describe("NvoServer and NodeHttpServer", () => {
  for (const method of ["GET", "HEAD", "POST"]) {
    it.live(`answer ${method} alike with every kind of response`, () =>
      Effect.gen(function* () {
        const ports = yield* Differential.servers
        for (const name of Object.keys(responses)) {
          yield* agree(ports, [Differential.makeRequest({ method, target: `/response/${name}` })])
        }
      })
    )
  }

  it.live("read every kind of body alike in every way, by length and in chunks", () =>
    Effect.gen(function* () {
      const ports = yield* Differential.servers
      for (const name of Object.keys(readers)) {
        for (const content of contents) {
          const parts = {
            method: "POST",
            target: `/request/${name}?name=A&age=1`,
            fields: contentFields(content),
            body: content.body
          }
          yield* agree(ports, [
            Differential.makeRequest(parts),
            Differential.makeRequest({ ...parts, cuts: [1, 61, 1000] })
          ])
        }
      }
    })
  )

  it.live("answer generated conversations alike", () =>
    Effect.gen(function* () {
      const ports = yield* Differential.servers
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(fc.array(requests, { minLength: 1, maxLength: 4 }), (conversation) =>
            Effect.runPromise(agree(ports, conversation))
          ),
          { seed: SEED, numRuns: RUNS }
        )
      )
    })
  )

  it.live("answer pipelined requests alike and in order", () =>
    Effect.gen(function* () {
      const ports = yield* Differential.servers
      const names = ["text", "json", "stream", "empty", "bytes-large", "text-unicode", "file", "text-404"]
      const all = [...names, ...names].map((name) =>
        Differential.makeRequest({ method: "GET", target: `/response/${name}` })
      )
      const nvo = yield* Differential.pipeline(ports.nvo, all)
      const peer = yield* Differential.pipeline(ports.peer, all)
      for (const [i, request] of all.entries()) compare(request, nvo[i], peer[i])
    })
  )
})

describe("intended differences", () => {
  for (const entry of Intended.rewrites.filter(({ examples }) => examples.length > 0)) {
    it.live(`${entry.name}: ${entry.reason}`, () =>
      Effect.gen(function* () {
        const ports = yield* Differential.servers
        for (const { nvo, peer, request } of yield* ask(ports, entry.examples.map(example))) {
          compare(request, nvo, peer)
          assert.notDeepEqual(
            Intended.normalise(nvo, request, entry.name),
            Intended.normalise(peer, request, entry.name),
            `${request.name} no longer needs the entry`
          )
        }
      })
    )
  }

  for (const entry of Intended.departures) {
    it.live(`${entry.name}: ${entry.reason}`, () =>
      Effect.gen(function* () {
        const ports = yield* Differential.servers
        for (const { nvo, peer, request } of yield* ask(ports, entry.examples.map(example))) {
          assert.strictEqual(Intended.departureOf(request)?.name, entry.name)
          compare(request, nvo, peer)
          assert.notDeepEqual(
            Intended.normalise(nvo, request),
            Intended.normalise(peer, request),
            `${request.name} no longer needs the entry`
          )
        }
      })
    )
  }
})
