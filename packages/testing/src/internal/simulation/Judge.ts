/** The model's verdict on what one client got. Pure: everything it needs is handed to it. */
import { ServerConfig } from "@nvo/server"
import { type Response, value } from "../../ResponseReader.ts"
import type { Received } from "./Client.ts"
import type { StreamAsk } from "./http2/Script.ts"
import { malformedOf, responseBody, statusOf } from "./Requests.ts"
import { type Ask, concurrency, connectionCount, type Scenario, type Script } from "./Scenario.ts"

/** What is known of the connection besides what the client saw. */
export interface Circumstances {
  /** Whether the network lost the connection, or it could not be accepted. */
  readonly lost: boolean
  /** Whether the server was stopped before the client was done. */
  readonly stopped: boolean
  /** Milliseconds for which the network held the connection up. */
  readonly stalled: number
}

type Say = (text: string) => void

// What a network may hold a connection up before a deadline of the server may cut it; half of the shortest.
const SLOW_MILLIS = 5_000

// Whether so little goes through at a time that a peer may fall behind the slowest rate that the server bears.
export const isSlowNetwork = ({ plan }: Scenario, seen: Circumstances): boolean =>
  seen.stalled > SLOW_MILLIS ||
  [plan.toServer, plan.toClient].some(({ buffer, latency }) => latency[1] > 0 && buffer < 4_000)

/** Whether a client takes long to read what the server takes for delivered: an ended connection has been. */
export const isSlowReader = ({ plan }: Scenario, readGap: number): boolean =>
  readGap > 0 && Math.min(plan.toClient.segment[1], plan.toClient.buffer) <= 100

const isSlow = (scenario: Scenario, script: Script, seen: Circumstances): boolean =>
  isSlowNetwork(scenario, seen) || isSlowReader(scenario, script.readGap)

/** Whether there are more connections than may be. */
export const isCrowded = (scenario: Scenario): boolean => {
  const { connectionCount: most } = scenario.limits
  return most > 0 && most < connectionCount(scenario)
}

/** Whether a request may be turned away because there are too many. */
export const mayBeTurnedAway = (scenario: Scenario): boolean => {
  const { inFlightCount: most } = scenario.limits
  return isCrowded(scenario) || (most > 0 && most < concurrency(scenario))
}

// Whether there is an end of the body to wait for, however short it is: that of a chunked one, and over HTTP/2, where it is
// a frame of its own that may stand behind the octets of other streams, that of each.
const hasEnd = (ask: Ask | StreamAsk): boolean =>
  ask.body + ask.chunk > 0 || ("fragment" in ask && ask.method === "POST")

/** Whether a handler may take longer than it is given. */
export const mayTimeOut = (
  { limits, plan }: Scenario,
  { readGap }: Pick<Script, "readGap">,
  ask: Ask
): boolean =>
  limits.handlerTimeout > 0 &&
  (ask.sleep >= limits.handlerTimeout ||
    // A client that waits for 100 and reads late sends its body late.
    (ask.expectContinue && readGap > 0) ||
    // Whoever reads a body waits for the network, in both directions where the client waits for 100.
    (hasEnd(ask) &&
      [plan.toServer, plan.toClient].some(({ latency, stall }) => latency[1] + stall.chance > 0)))

/** Says what is wrong with an answer, complete or not. */
export const checkAnswer = (
  scenario: Scenario,
  script: Pick<Script, "readGap">,
  ask: Ask,
  response: Pick<Response, "status" | "fields" | "body" | "complete" | "interim">,
  say: Say
): void => {
  const status = statusOf(ask)
  if (response.status === 503 && mayTimeOut(scenario, script, ask)) return
  if (response.status === 503 && mayBeTurnedAway(scenario)) {
    if (value(response.fields, "retry-after") === undefined)
      say(`request ${ask.id} was turned away without Retry-After`)
    return
  }
  if (response.status !== status) {
    say(`request ${ask.id} was answered ${response.status}, ${status} is due`)
    return
  }
  if (status === 200) {
    const id = value(response.fields, "x-id")
    if (id !== String(ask.id)) say(`request ${ask.id} got the answer to request ${id}`)
  }
  const body = ask.method === "HEAD" ? "" : responseBody(ask)
  if (response.complete ? response.body !== body : !body.startsWith(response.body))
    say(`the body of the answer to request ${ask.id} is not its own`)
  if (response.interim.some((interim) => interim.status !== 100 || !ask.expectContinue))
    say(`request ${ask.id} got an interim response that it did not ask for`)
}

// RFC 9112 §9.3: without a reason a connection persists.
const mayClose = ({ limits }: Scenario, script: Script, ask: Ask, index: number, status: number): boolean =>
  (script.ending._tag === "Close" && index === script.asks.length - 1) ||
  ask.minorVersion === 0 ||
  limits.requestsPerConnection === index + 1 ||
  status === 503 ||
  // Part of the request was left unread.
  (ask.body > 0 && (status !== 200 || (ask.kind !== "Echo" && ask.kind !== "Count")))

// A chunked body does not say how long it is: the head of the response promises that the connection goes on, and what
// is left unread turns out to be more than `drainBytes`.
const mayEndUnread = (ask: Ask | undefined, status: number): boolean =>
  ask !== undefined &&
  ask.chunk > 0 &&
  // Who was turned away was not read either.
  ((ask.kind !== "Echo" && ask.kind !== "Count") || status === 503) &&
  ask.body > ServerConfig.defaults.drainBytes

/** Says what is wrong. */
export const judge = (
  scenario: Scenario,
  script: Script,
  received: Received,
  seen: Circumstances,
  say: Say
): void => {
  const { departure, responses } = received
  const { limits } = scenario
  const excused =
    seen.lost || seen.stopped || received.left || isCrowded(scenario) || isSlow(scenario, script, seen)
  const last = responses.at(-1)
  for (const [index, response] of responses.entries()) {
    const ask = script.asks[index]
    // A server that cuts a request short says so with a status of its own.
    if (excused && response === last && (response.status === 408 || response.status === 503)) continue
    if (ask === undefined) {
      if (script.ending._tag !== "Malformed" || index > script.asks.length) {
        say(`an answer came that nobody asked for: ${response.status}`)
      } else if (response.status !== malformedOf(script.ending.which).status) {
        say(`what was malformed was answered ${response.status}`)
      } else if (response.persistent) say("a connection goes on behind a malformed message")
      continue
    }
    if (received.left && response === last && response.status === 400) continue
    checkAnswer(scenario, script, ask, response, say)
    if (!response.complete && response !== last) say("an answer was cut off and another one followed")
    if (!response.complete && !excused) say(`the answer to request ${ask.id} was cut off`)
    if (response.complete && !response.persistent && !excused) {
      if (!mayClose(scenario, script, ask, index, response.status))
        say(`the connection closes after request ${ask.id} for no reason`)
    }
    if (response.persistent && limits.requestsPerConnection === index + 1)
      say(`the connection goes on after request ${ask.id}, which was its last`)
  }
  // Every phase of a connection has a deadline: nobody is waited for, and nobody waits, for ever.
  if (received.timedOut) say("the server did not answer, and did not leave")
  if (excused) return
  const closed =
    last !== undefined && (!last.persistent || mayEndUnread(script.asks[responses.length - 1], last.status))
  const due = script.asks.length + (script.ending._tag === "Malformed" ? 1 : 0)
  if (!closed && responses.length < due) say(`${due - responses.length} of ${due} answers did not come`)
  if (departure === "Lost" && !closed) say("the server reset a connection on which nothing was wrong")
}
