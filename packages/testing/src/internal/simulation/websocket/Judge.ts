/** The model's verdict on what one WebSocket client got, beyond what its `Peer` has found by itself. */
import { type Circumstances, isCrowded, isSlowNetwork, isSlowReader } from "../Judge.ts"
import type { Scenario } from "../Scenario.ts"
import type { Received } from "./Client.ts"
import { malformedOf } from "./Malformed.ts"
import { SERVER_CODE, type SocketScript } from "./Script.ts"

// The code that the server has to close with; `undefined` where it has nothing to say.
const codeDue = ({ closesAfter, ending, sends }: SocketScript): number | undefined => {
  if (closesAfter > 0 && closesAfter <= sends.length) return SERVER_CODE
  if (ending._tag === "Malformed") return malformedOf(ending.which).code
  if (ending._tag === "End") return undefined
  return "code" in ending ? ending.code : 1_000
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
  const soon = script.ending._tag === "CloseSoon"
  if (!soon && peer.echoed < peer.due)
    say(`${peer.due - peer.echoed} of ${peer.due} messages did not come back`)
  // Whoever closes first may do so in front of a Pong.
  if (!soon && script.closesAfter === 0 && peer.answered < peer.pings)
    say(`Ping ${peer.pings} was not answered, the last answer is to ${peer.answered}`)
  const due = codeDue(script)
  const may = soon && script.closesAfter > 0 ? [due, SERVER_CODE, script.ending.code] : [due]
  if (!may.includes(peer.closed)) say(`the server closed with ${peer.closed}, ${due} is due`)
  if (departure === "Lost" && script.ending._tag !== "End")
    say("the server reset a connection on which nothing was wrong")
}
