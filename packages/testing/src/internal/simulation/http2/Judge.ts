/** The model's verdict on what one HTTP/2 client got, beyond what its `Peer` has found by itself. */
import {
  type Circumstances,
  checkAnswer,
  isCrowded,
  isSlowNetwork,
  isSlowReader,
  mayBeTurnedAway,
  mayTimeOut
} from "../Judge.ts"
import type { Scenario } from "../Scenario.ts"
import { judgeConversation } from "../websocket/Judge.ts"
import type { Received } from "./Client.ts"
import { malformedOf } from "./Malformed.ts"
import type { Http2Script } from "./Script.ts"
import type { Stream } from "./Stream.ts"
import type { Tunnel } from "./Tunnel.ts"

type Say = (text: string) => void

// What goes through in a round trip is a window: with a small one and any delay, less than the slowest rate that the
// server bears.
const SMALL_WINDOW = 5_000

const isDelayed = ({ plan }: Scenario, script: Http2Script): boolean =>
  script.credit.delay > 0 ||
  script.readGap > 0 ||
  [plan.toServer, plan.toClient].some(({ latency, stall }) => latency[1] + stall.chance > 0)

const isSlow = (scenario: Scenario, script: Http2Script, seen: Circumstances): boolean => {
  const { limits } = scenario
  const delayed = isDelayed(scenario, script)
  const narrow =
    [script.window, ...script.changes.map(({ window }) => window)].some((window) => window < SMALL_WINDOW) ||
    limits.http2StreamWindow > 0
  return (
    isSlowNetwork(scenario, seen) ||
    isSlowReader(scenario, script.readGap) ||
    (delayed && narrow) ||
    (script.readGap > 0 && limits.idleTimeout > 0)
  )
}

// Why a stream may have been refused: the server says that it did nothing for it.
const mayBeRefused = ({ limits }: Scenario, script: Http2Script): boolean =>
  (script.greedy && limits.http2Streams > 0 && limits.http2Streams < script.concurrency) ||
  limits.requestsPerConnection > 0

// RFC 9113 §6.9.3: what was sent before the client knew the smaller window may be refused, behind a response too.
const mayExceed = ({ limits }: Scenario, script: Http2Script): boolean =>
  script.greedy && limits.http2StreamWindow > 0

const judgeStream = (
  scenario: Scenario,
  script: Http2Script,
  stream: Stream,
  excused: boolean,
  say: Say
): void => {
  const { ask, body, fields, interim, isReset, receivedEnd, resetCode, status } = stream
  if (status !== undefined && !(excused && (status === 408 || status === 503)))
    checkAnswer(scenario, script, ask, { status, fields, body, interim, complete: receivedEnd }, say)
  if (isReset || excused || receivedEnd) {
    // RFC 9113 §8.1: behind a complete response a reset says that the rest of the request is not wanted.
    const isBorne =
      resetCode === undefined ||
      resetCode === "NO_ERROR" ||
      (resetCode === "FLOW_CONTROL_ERROR" && mayExceed(scenario, script))
    if (receivedEnd && !isBorne && !excused && !isReset)
      say(`request ${ask.id} was answered, and reset with ${resetCode}`)
    return
  }
  if (resetCode === "REFUSED_STREAM" && status === undefined) {
    if (!mayBeRefused(scenario, script)) say(`request ${ask.id} was refused, and there is room`)
    return
  }
  if (mayTimeOut(scenario, script, ask)) return
  if (resetCode === "FLOW_CONTROL_ERROR" && mayExceed(scenario, script)) return
  if (resetCode !== undefined) say(`request ${ask.id} was reset with ${resetCode}`)
  else
    say(
      status === undefined ? `request ${ask.id} got no answer` : `the answer to request ${ask.id} was cut off`
    )
}

// A peer that has closed, and then takes nothing for a second, is not waited for. Milliseconds, without the delay of credit.
const LONG_STALL = 600

// A WebSocket ends with its stream: in order, or by CANCEL where its peer did not say that it goes (RFC 8441 §4).
const judgeTunnel = (
  scenario: Scenario,
  script: Http2Script,
  stream: Stream,
  tunnel: Tunnel,
  excused: boolean,
  say: Say
): void => {
  const { isReset, receivedEnd, resetCode, status } = stream
  const name = `WebSocket ${tunnel.script.id}`
  if (isReset || excused) return
  if (resetCode === "REFUSED_STREAM" && status === undefined) {
    if (!mayBeRefused(scenario, script)) say(`${name} was refused, and there is room`)
    return
  }
  if (status === 503 && mayBeTurnedAway(scenario)) return
  if (status !== 200) return say(`the handshake of ${name} was answered ${status}`)
  if (!receivedEnd && resetCode === undefined) return say(`the stream of ${name} does not end`)
  if (resetCode !== undefined && resetCode !== "CANCEL") return say(`${name} was reset with ${resetCode}`)
  if (tunnel.brokeOff !== undefined) return
  if (resetCode !== undefined && (tunnel.script.stall?.millis ?? 0) > LONG_STALL) return
  judgeConversation(tunnel.script, tunnel.socket, (text) => say(`${name}: ${text}`))
  // The end of this side has a second to come behind that of the server.
  if (resetCode !== undefined && !(receivedEnd && isDelayed(scenario, script)))
    say(`${name} was reset, and nothing was wrong with it`)
}

/** Says what is wrong. */
export const judge = (
  scenario: Scenario,
  script: Http2Script,
  received: Received,
  seen: Circumstances,
  say: Say
): void => {
  const { departure, goAway, streams } = received
  const { limits } = scenario
  const excused =
    seen.lost || seen.stopped || received.left || isCrowded(scenario) || isSlow(scenario, script, seen)
  // Streams that the server does not know of, or has said that it does nothing for.
  const disowned = ({ id }: Stream) => goAway !== undefined && id > goAway.last
  for (const stream of streams) {
    if (disowned(stream) && (excused || limits.requestsPerConnection > 0)) {
      if (stream.status !== undefined)
        say(`request ${stream.ask.id} was answered, and its stream is disowned`)
      continue
    }
    const { tunnel } = stream
    if (tunnel === undefined) judgeStream(scenario, script, stream, excused, say)
    else judgeTunnel(scenario, script, stream, tunnel, excused, say)
  }
  if (received.timedOut) say("the server did not answer, and did not leave")
  if (excused) return
  if (script.ending._tag === "Malformed" && goAway?.code === "NO_ERROR" && limits.requestsPerConnection > 0)
    return
  const due = script.ending._tag === "Malformed" ? malformedOf(script.ending.which).code : "NO_ERROR"
  if (goAway !== undefined && goAway.code !== due)
    say(`the connection ends with ${goAway.code}, ${due} is due`)
  if (goAway === undefined && script.ending._tag === "Malformed") say("what was malformed was borne")
  const left = script.asks.length - streams.length
  if (left > 0 && limits.requestsPerConnection === 0)
    say(`${left} of ${script.asks.length} requests found no room`)
  if (departure === "Lost") say("the server reset a connection on which nothing was wrong")
}
