/** The end of a server: every pair of stage and input. */
import { assert, describe, it } from "@effect/vitest"
import * as Shutdown from "../src/Shutdown.ts"

const moves: Readonly<Record<string, Shutdown.Stage>> = {
  "Serving Stop": "Unready",
  "Unready DelayPassed": "Draining",
  "Draining Emptied": "Stopped",
  "Draining DeadlinePassed": "Cutting",
  "Cutting Emptied": "Stopped",
  "Cutting DeadlinePassed": "Stopped"
}

describe("the stages in which a server ends", () => {
  for (const stage of Shutdown.stages) {
    for (const input of Shutdown.inputs) {
      it(`${stage}, ${input}`, () => {
        assert.strictEqual(Shutdown.next(stage, input), moves[`${stage} ${input}`] ?? stage)
      })
    }
  }

  it("are drawn as they are", () => {
    const lines = Shutdown.toMermaid().split("\n")
    assert.strictEqual(lines[1], `  [*] --> ${Shutdown.initial}`)
    assert.sameMembers(
      lines.slice(2, -1),
      Object.entries(moves).map(([move, to]) => `  ${move.replace(" ", ` --> ${to}: `)}`)
    )
    assert.strictEqual(lines.at(-1), "  Stopped --> [*]")
  })
})
