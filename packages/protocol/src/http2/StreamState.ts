/**
 * The life of a stream as the server sees it, RFC 9113 §5.1, as two tables: (state, input) → state for what is done,
 * and (state, frame) → verdict for what the peer sends.
 *
 * This file owns every transition and every verdict. There is no server push, and so no reserved state. `Closed` is
 * a stream that the peer has ended or reset itself, and one that was forgotten; `Reset` is one that this side has
 * reset while the peer could still send, and whose late frames are nobody's fault.
 */
import type { ReasonTag } from "./Http2Error.ts"

/** Where a stream stands. */
export type State = "Idle" | "Open" | "HalfClosedRemote" | "HalfClosedLocal" | "Closed" | "Reset"

/** What may happen to a stream. */
export type Input =
  /** The peer sent the head of a request. */
  | "Opened"
  /** The peer sent END_STREAM. */
  | "EndReceived"
  /** END_STREAM was sent. */
  | "EndSent"
  /** The peer sent RST_STREAM. */
  | "ResetReceived"
  /** RST_STREAM was sent. */
  | "ResetSent"

type Table = { readonly [S in State]: { readonly [I in Input]?: State } }

/** All transitions. */
export const table: Table = {
  Idle: { Opened: "Open" },
  Open: {
    EndReceived: "HalfClosedRemote",
    EndSent: "HalfClosedLocal",
    ResetReceived: "Closed",
    ResetSent: "Reset"
  },
  HalfClosedRemote: { EndSent: "Closed", ResetReceived: "Closed", ResetSent: "Closed" },
  HalfClosedLocal: { EndReceived: "Closed", ResetReceived: "Closed", ResetSent: "Reset" },
  Closed: {},
  Reset: {}
}

export const states = Object.keys(table) as ReadonlyArray<State>

export const inputs: ReadonlyArray<Input> = ["Opened", "EndReceived", "EndSent", "ResetReceived", "ResetSent"]

/** The state after `input`, or `undefined` where the table has none. */
export const next = (state: State, input: Input): State | undefined => table[state][input]

/** The frames that are judged by the state of their stream. */
export type FrameKind = "Headers" | "Data" | "WindowUpdate" | "RstStream"

/**
 * What a frame in a state is. `Accept`: it means something. `Ignore`: it is late, and counts for header compression
 * and flow control only. Otherwise it is the error that is due.
 */
export type Verdict = "Accept" | "Ignore" | ReasonTag

/** All verdicts. PRIORITY is allowed in every state. */
export const verdicts: { readonly [S in State]: { readonly [K in FrameKind]: Verdict } } = {
  Idle: { Headers: "Accept", Data: "IdleStream", WindowUpdate: "IdleStream", RstStream: "IdleStream" },
  Open: { Headers: "Accept", Data: "Accept", WindowUpdate: "Accept", RstStream: "Accept" },
  HalfClosedRemote: {
    Headers: "HalfClosedStream",
    Data: "HalfClosedStream",
    WindowUpdate: "Accept",
    RstStream: "Accept"
  },
  HalfClosedLocal: { Headers: "Accept", Data: "Accept", WindowUpdate: "Accept", RstStream: "Accept" },
  Closed: { Headers: "ClosedStream", Data: "ClosedStream", WindowUpdate: "Ignore", RstStream: "Ignore" },
  Reset: { Headers: "Ignore", Data: "Ignore", WindowUpdate: "Ignore", RstStream: "Ignore" }
}

/** The table as a Mermaid state diagram. */
export const toMermaid = (): string =>
  [
    "stateDiagram-v2",
    "  [*] --> Idle",
    ...states.flatMap((state) =>
      inputs.flatMap((input) => {
        const to = next(state, input)
        return to === undefined ? [] : [`  ${state} --> ${to}: ${input}`]
      })
    ),
    "  Closed --> [*]",
    "  Reset --> [*]"
  ].join("\n")
