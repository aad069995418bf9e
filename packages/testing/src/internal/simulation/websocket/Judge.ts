/** The model's verdict on what one WebSocket client got, beyond what its `Peer` has found by itself. */
import { type Circumstances, isCrowded, isSlowNetwork, isSlowReader } from "../Judge.ts"
import type { Scenario } from "../Scenario.ts"
import type { Received } from "./Client.ts"
import type { Endpoint } from "./Endpoint.ts"
import { malformedOf } from "./Malformed.ts"
import { type Conversation, SERVER_CODE, type SocketScript } from "./Script.ts"

// The code that the server has to close with; `undefined` where it has nothing to say.
const codeDue = ({ closesAfter, ending, sends }: Conversation): number | undefined => {
  if (closesAfter > 0 && closesAfter <= sends.length) return SERVER_CODE
  if (ending._tag === "Malformed") return malformedOf(ending.which).code
  if (ending._tag === "End") return undefined
  return "code" in ending ? ending.code : 1_000
}

/** Says what is wrong with what was said over a WebSocket on which nothing went wrong but what its script says. */
export const judgeConversation = (
  script: Conversation,
  socket: Endpoint,
  say: (text: string) => void
): void => {
  const { answered, closed, due, echoed, pings } = socket
  const soon = script.ending._tag === "CloseSoon"
  if (!soon && echoed < due) say(`${due - echoed} of ${due} messages did not come back`)
  // Whoever closes first may do so in front of a Pong.
  if (!soon && script.closesAfter === 0 && answered < pings)
    say(`Ping ${pings} was not answered, the last answer is to ${answered}`)
  const code = codeDue(script)
  const may = soon && script.closesAfter > 0 ? [code, SERVER_CODE, script.ending.code] : [code]
  if (!may.includes(closed)) say(`the server closed with ${closed}, ${code} is due`)
}

/** Says what is wrong. */
export const judge = (
  scenario: Scenario,
  script: SocketScript,
  { departure, left, peer, timedOut }: Received,
  seen: Circumstances,
  say: (text: string) => void
): void => {
  if (timedOut) say("the server did not answer, and did not leave")
  const excused =
    seen.lost ||
    seen.stopped ||
    left ||
    isCrowded(scenario) ||
    isSlowNetwork(scenario, seen) ||
    isSlowReader(scenario, script.readGap)
  if (excused) return
  const { inFlightCount } = scenario.limits
  if (peer.status === 503 && inFlightCount > 0) return
  if (peer.status !== 101) return say(`the handshake was answered ${peer.status}`)
  judgeConversation(script, peer.socket, say)
  if (departure === "Lost" && script.ending._tag !== "End")
    say("the server reset a connection on which nothing was wrong")
}
