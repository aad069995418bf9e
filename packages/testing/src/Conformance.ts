/**
 * What RFC 9110 and 9112 ask of a server of HTTP/1.1, as cases that run against any server that can be connected to.
 * Each is named by its section and its level. The server is to answer `GET /` and `POST /` with 200 and to read bodies.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Bytes from "./Bytes.ts"
import { type Response, ResponseReader, value } from "./ResponseReader.ts"
import type { Peer } from "./TransportContract.ts"

/** How strongly the RFC asks (RFC 2119). */
export type Level = "MUST" | "SHOULD" | "MAY"

/** What came back. */
export interface Seen {
  readonly responses: ReadonlyArray<Response>
  /** Whether the server ended or dropped the connection. */
  readonly closed: boolean
  /** Why what came is no HTTP. */
  readonly violation: string | undefined
}

/** One requirement. */
export interface Case {
  readonly section: string
  readonly level: Level
  readonly title: string
  /** The methods of the requests in `send`, whose responses are read. */
  readonly methods: ReadonlyArray<string>
  /** What the client sends; pieces are sent one after the other, each when the server has gone quiet. */
  readonly send: ReadonlyArray<string>
  /** What is wrong, if anything. */
  readonly judge: (seen: Seen) => string | undefined
}

/** The outcome of a case. */
export interface Result {
  readonly case: Case
  /** `undefined` where the requirement is met. */
  readonly failure: string | undefined
}

const statuses = ({ responses, closed, violation }: Seen): string =>
  `${responses.map(({ status }) => status).join(", ") || "nothing"}${closed ? ", closed" : ""}${violation === undefined ? "" : `, ${violation}`}`

const answered =
  (...due: ReadonlyArray<number>) =>
  (seen: Seen): string | undefined =>
    seen.violation === undefined && due.includes(seen.responses[0]?.status ?? 0) ? undefined : statuses(seen)

const refusedAndClosed =
  (...due: ReadonlyArray<number>) =>
  (seen: Seen): string | undefined =>
    answered(...due)(seen) ?? (seen.closed ? undefined : `${statuses(seen)}, and the connection goes on`)

const answers =
  (count: number) =>
  (seen: Seen): string | undefined =>
    seen.violation === undefined &&
    seen.responses.length === count &&
    seen.responses.every(({ complete, status }) => status === 200 && complete)
      ? undefined
      : statuses(seen)

const notTaken = (seen: Seen): string | undefined =>
  seen.responses.every(({ status }) => status >= 400) ? undefined : statuses(seen)

const closes = (seen: Seen): string | undefined =>
  seen.closed && seen.responses.length === 1 ? undefined : statuses(seen)

const HOST = "Host: a\r\n"
const GET = `GET / HTTP/1.1\r\n${HOST}`
const POST = `POST / HTTP/1.1\r\n${HOST}`

const one = (
  section: string,
  level: Level,
  title: string,
  send: string | ReadonlyArray<string>,
  judge: Case["judge"],
  methods: ReadonlyArray<string> = ["GET"]
): Case => ({ section, level, title, send: typeof send === "string" ? [send] : send, judge, methods })

/** All cases, in the order of the sections. */
export const cases: ReadonlyArray<Case> = [
  one(
    "RFC 9110 §5.5",
    "MUST",
    "NUL in a field value is refused or replaced",
    `${GET}A: a\0b\r\n\r\n`,
    answered(400, 200)
  ),
  one("RFC 9110 §6.6.1", "MUST", "a response carries Date", `${GET}\r\n`, (seen) =>
    seen.responses[0] !== undefined && value(seen.responses[0].fields, "date") !== undefined
      ? undefined
      : "no Date"
  ),
  one(
    "RFC 9110 §8.6",
    "MUST",
    "Content-Length that is no number is refused",
    `${POST}Content-Length: abc\r\n\r\n`,
    refusedAndClosed(400)
  ),
  one(
    "RFC 9110 §8.6",
    "MUST",
    "Content-Length with a sign is refused",
    `${POST}Content-Length: +5\r\n\r\nhello`,
    refusedAndClosed(400)
  ),
  one("RFC 9110 §9.3.2", "MUST", "HEAD has no body", `HEAD / HTTP/1.1\r\n${HOST}\r\n`, answers(1), ["HEAD"]),
  one(
    "RFC 9110 §10.1.1",
    "MUST",
    "100-continue is answered before the body",
    [`${POST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`, "hello"],
    (seen) =>
      seen.responses[0]?.status === 200 && seen.responses[0].interim.some(({ status }) => status === 100)
        ? undefined
        : statuses(seen)
  ),
  one(
    "RFC 9110 §10.1.1",
    "MUST",
    "HTTP/1.0 gets no 100",
    "POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
    (seen) => (seen.responses[0]?.interim.length === 0 ? undefined : statuses(seen))
  ),
  one(
    "RFC 9110 §15.6.6",
    "SHOULD",
    "a major version that is not there: 505",
    `GET / HTTP/3.0\r\n${HOST}\r\n`,
    answered(505)
  ),
  one(
    "RFC 9112 §2.2",
    "SHOULD",
    "an empty line in front of a request line is ignored",
    `\r\n${GET}\r\n`,
    answers(1)
  ),
  one(
    "RFC 9112 §2.2",
    "MUST",
    "a bare CR in the head is refused or replaced",
    `${GET}A: a\rb\r\n\r\n`,
    answered(400, 200)
  ),
  one(
    "RFC 9112 §2.2",
    "MUST",
    "whitespace in front of the first field line is refused or skipped",
    `GET / HTTP/1.1\r\n A: b\r\n${HOST}\r\n`,
    answered(400, 200)
  ),
  one(
    "RFC 9112 §3",
    "SHOULD",
    "an invalid request line: 400",
    `GET  / HTTP/1.1\r\n${HOST}\r\n`,
    answered(400)
  ),
  one(
    "RFC 9112 §3",
    "MUST",
    "a target that is too long: 414",
    `GET /${"a".repeat(100_000)} HTTP/1.1\r\n${HOST}\r\n`,
    answered(414)
  ),
  one("RFC 9112 §3.2", "MUST", "no Host: 400", "GET / HTTP/1.1\r\n\r\n", answered(400)),
  one("RFC 9112 §3.2", "MUST", "two Hosts: 400", `GET / HTTP/1.1\r\n${HOST}Host: b\r\n\r\n`, answered(400)),
  one("RFC 9112 §3.2", "MUST", "an invalid Host: 400", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", answered(400)),
  one(
    "RFC 9112 §3.2.2",
    "MUST",
    "a target in absolute form is taken",
    `GET http://a/ HTTP/1.1\r\n${HOST}\r\n`,
    answers(1)
  ),
  one(
    "RFC 9112 §5",
    "MUST",
    "a head that is too large: 4xx",
    `${GET}A: ${"a".repeat(200_000)}\r\n\r\n`,
    answered(400, 413, 431)
  ),
  one("RFC 9112 §5.1", "MUST", "whitespace in front of the colon: 400", `${GET}A : b\r\n\r\n`, answered(400)),
  one(
    "RFC 9112 §5.2",
    "MUST",
    "a folded line is refused or unfolded",
    `${GET}A: b\r\n c\r\n\r\n`,
    answered(400, 200)
  ),
  one(
    "RFC 9112 §6.1",
    "MUST",
    "Content-Length with Transfer-Encoding ends the connection",
    `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    closes
  ),
  one(
    "RFC 9112 §6.1",
    "MUST",
    "Transfer-Encoding in HTTP/1.0 ends the connection",
    `POST / HTTP/1.0\r\n${HOST}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    closes
  ),
  one(
    "RFC 9112 §6.1",
    "SHOULD",
    "an unknown transfer coding: 501",
    `${POST}Transfer-Encoding: unknown, chunked\r\n\r\n0\r\n\r\n`,
    answered(501)
  ),
  one(
    "RFC 9112 §6.3",
    "MUST",
    "chunked that is not last: 400, and the end",
    `${POST}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
    refusedAndClosed(400)
  ),
  one(
    "RFC 9112 §6.3",
    "MUST",
    "two Content-Lengths that differ: 400, and the end",
    `${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
    refusedAndClosed(400)
  ),
  one(
    "RFC 9112 §7.1",
    "MUST",
    "a chunked body is read",
    `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n${GET}\r\n`,
    answers(2),
    ["POST", "GET"]
  ),
  one(
    "RFC 9112 §7.1",
    "MUST",
    "a chunk size that overflows is not taken",
    `${POST}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n0\r\n\r\n`,
    notTaken
  ),
  one(
    "RFC 9112 §7.1",
    "MUST",
    "a chunk size that is no number is not taken",
    `${POST}Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n`,
    notTaken
  ),
  one(
    "RFC 9112 §7.1.1",
    "MUST",
    "chunk extensions are ignored",
    `${POST}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n`,
    answers(1)
  ),
  one(
    "RFC 9112 §7.1.1",
    "MUST",
    "chunk extensions in quotes and with whitespace are ignored",
    `${POST}Transfer-Encoding: chunked\r\n\r\n5 ; a = "b\\"c"\r\nhello\r\n0\r\n\r\n`,
    answers(1)
  ),
  one(
    "RFC 9112 §7.1.2",
    "MUST",
    "a trailer section is read",
    `${POST}Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n${GET}\r\n`,
    answers(2),
    ["POST", "GET"]
  ),
  one("RFC 9112 §9.3", "SHOULD", "a connection persists", [`${GET}\r\n`, `${GET}\r\n`], answers(2), [
    "GET",
    "GET"
  ]),
  one(
    "RFC 9112 §9.3",
    "MUST",
    "HTTP/1.0 without keep-alive ends the connection",
    `GET / HTTP/1.0\r\n${HOST}\r\n`,
    closes
  ),
  one(
    "RFC 9112 §9.3.2",
    "MUST",
    "pipelined requests are answered in order",
    `${GET}\r\nHEAD / HTTP/1.1\r\n${HOST}\r\n${GET}\r\n`,
    answers(3),
    ["GET", "HEAD", "GET"]
  ),
  one(
    "RFC 9112 §9.6",
    "MUST",
    "close ends the connection behind the response",
    `${GET}Connection: close\r\n\r\n`,
    closes
  ),
  one("RFC 9112 §9.6", "MUST", "close is answered with close", `${GET}Connection: close\r\n\r\n`, (seen) =>
    seen.responses[0]?.persistent === false ? undefined : statuses(seen)
  )
]

// How long a server may take to say something before it counts as quiet. Only what is right not to come is waited for
// that long, so that a slow machine makes a run slower and no other.
const QUIET = "1 second"

const receive = (peer: Peer, methods: ReadonlyArray<string>, reader: ResponseReader, before: Seen) =>
  Effect.gen(function* () {
    const responses = [...before.responses]
    let { closed, violation } = before
    const take = (read: () => Response | undefined): boolean => {
      try {
        const response = read()
        if (response !== undefined) responses.push(response)
        return response !== undefined
      } catch (error) {
        violation = String(error)
        return false
      }
    }
    const asked = () => ({ method: methods[responses.length] ?? "GET" })
    while (!closed && violation === undefined) {
      const next = yield* Effect.timeoutOption(peer.receive, QUIET)
      if (Option.isNone(next)) break
      if (typeof next.value === "string") {
        closed = true
        take(() => reader.end(asked(), next.value as "Ended" | "Lost"))
        break
      }
      reader.push(Bytes.toText(next.value))
      while (take(() => reader.next(asked())));
    }
    return { responses, closed, violation } satisfies Seen
  })

/** Runs one case on a connection of its own. */
export const runCase = <E>(
  one: Case,
  connect: Effect.Effect<Peer, E, Scope.Scope>
): Effect.Effect<Result, E> =>
  Effect.scoped(
    Effect.gen(function* () {
      const peer = yield* connect
      const reader = new ResponseReader()
      let seen: Seen = { responses: [], closed: false, violation: undefined }
      for (const part of one.send) {
        // A server that refuses may leave while the request is on its way.
        yield* Effect.ignore(peer.send(Bytes.fromText(part)))
        seen = yield* receive(peer, one.methods, reader, seen)
      }
      return { case: one, failure: one.judge(seen) }
    })
  )

/** Runs all cases, several at a time. */
export const run = <E>(
  connect: Effect.Effect<Peer, E, Scope.Scope>
): Effect.Effect<ReadonlyArray<Result>, E> =>
  Effect.forEach(cases, (one) => runCase(one, connect), { concurrency: 4 })

/** The results as a table in Markdown. */
export const table = (results: ReadonlyArray<Result>): string =>
  [
    "| section | level | requirement | result |",
    "|---|---|---|---|",
    ...results.map(
      ({ case: { level, section, title }, failure }) =>
        `| ${section} | ${level} | ${title} | ${failure === undefined ? "met" : `**not met**: ${failure.replaceAll("|", "\\|")}`} |`
    )
  ].join("\n")

/** How many requirements of a level are met, of how many. */
export const count = (results: ReadonlyArray<Result>, level: Level): readonly [met: number, of: number] => {
  const own = results.filter((result) => result.case.level === level)
  return [own.filter(({ failure }) => failure === undefined).length, own.length]
}
