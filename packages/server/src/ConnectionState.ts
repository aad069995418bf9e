/**
 * The life of an HTTP/1.1 connection as one table: (phase, input) → phase.
 *
 * This file owns every transition; the connection program only names inputs. What is missing in the table
 * cannot happen, and if it does, it is a bug of the engine: that connection ends with a defect, alone. The
 * diagram in docs/architecture.md is drawn from this table.
 */
import * as Data from "effect/Data"

/** Where a connection stands. */
export type Phase =
  /** Between requests: nothing of the next one has come. */
  | "Idle"
  /** A head has begun to come. */
  | "Reading"
  /** A request is with the application; nothing of the final response has been sent. */
  | "Handling"
  /** The head of the final response has been sent. */
  | "Responding"
  /** The response is complete; what the application left of the request is read and thrown away. */
  | "Draining"
  /** This side has ended; what the peer still sends is thrown away, so that no reset eats the response. */
  | "Lingering"
  /** Another protocol has taken over. */
  | "Upgraded"
  /** The end. */
  | "Closed"

/** What can happen to a connection. */
export type Input =
  /** Octets came that do not complete a head. */
  | "OctetsRead"
  /** A head is complete and handed to the application. */
  | "HeadRead"
  /** A message was refused and the refusal sent. */
  | "Refused"
  /** The head of the final response was sent. */
  | "HeadSent"
  /** The response is complete. */
  | "ResponseSent"
  /** Request and response are complete, and the connection goes on. */
  | "Reused"
  /** No more will be sent: this side ends. */
  | "Ended"
  /** A switch to another protocol was sent. */
  | "Switched"
  /** Nothing more is to be done: the peer is gone, or everything was said. */
  | "Finished"

type Table = { readonly [P in Phase]: { readonly [I in Input]?: Phase } }

/** All transitions. */
export const table: Table = {
  Idle: { OctetsRead: "Reading", HeadRead: "Handling", Refused: "Lingering", Finished: "Closed" },
  Reading: { OctetsRead: "Reading", HeadRead: "Handling", Refused: "Lingering", Finished: "Closed" },
  Handling: { HeadSent: "Responding", Switched: "Upgraded", Finished: "Closed" },
  Responding: { ResponseSent: "Draining", Ended: "Lingering", Finished: "Closed" },
  Draining: { Reused: "Idle", Ended: "Lingering", Finished: "Closed" },
  Lingering: { Finished: "Closed" },
  Upgraded: { Finished: "Closed" },
  Closed: {}
}

export const phases = Object.keys(table) as ReadonlyArray<Phase>

export const inputs: ReadonlyArray<Input> = [
  "OctetsRead",
  "HeadRead",
  "Refused",
  "HeadSent",
  "ResponseSent",
  "Reused",
  "Ended",
  "Switched",
  "Finished"
]

/** Where every connection begins. */
export const initial: Phase = "Idle"

/** The engine named an input that its phase does not know: a bug of the engine. */
export class IllegalTransition extends Data.TaggedError("IllegalTransition")<{
  readonly phase: Phase
  readonly input: Input
}> {
  override get message(): string {
    return `${this.input} cannot happen in ${this.phase}`
  }
}

/** The phase after `input`, or `undefined` where the table has none. */
export const next = (phase: Phase, input: Input): Phase | undefined => table[phase][input]

/** Each input as a number, which is how the connection program names it. */
export const code = {
  OctetsRead: 0,
  HeadRead: 1,
  Refused: 2,
  HeadSent: 3,
  ResponseSent: 4,
  Reused: 5,
  Ended: 6,
  Switched: 7,
  Finished: 8
} as const satisfies { readonly [I in Input]: number }

// The table in numbers: a request makes four transitions, and a look-up by two strings is a megamorphic load,
// which was the largest single entry of the engine's profile.
const transitions = Int8Array.from(
  phases.flatMap((phase) =>
    inputs.map((input) => {
      const to = next(phase, input)
      return to === undefined ? -1 : phases.indexOf(to)
    })
  )
)

/** A phase as a number: its place in `phases`. */
export const phaseCode = (phase: Phase): number => phases.indexOf(phase)

/** `next` in numbers. Throws `IllegalTransition` where the table has nothing. */
export const advance = (phase: number, input: number): number => {
  const to = transitions[phase * inputs.length + input]
  if (to < 0) throw new IllegalTransition({ phase: phases[phase], input: inputs[input] })
  return to
}

/** The table as a Mermaid state diagram. */
export const toMermaid = (): string =>
  [
    "stateDiagram-v2",
    `  [*] --> ${initial}`,
    ...phases.flatMap((phase) =>
      inputs.flatMap((input) => {
        const to = next(phase, input)
        return to === undefined ? [] : [`  ${phase} --> ${to}: ${input}`]
      })
    ),
    "  Closed --> [*]"
  ].join("\n")
