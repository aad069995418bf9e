/**
 * The life of an HTTP/2 connection as one table: (phase, input) → phase.
 *
 * This file owns every transition; what is missing in the table does not change the phase. Streams have a life of
 * their own (`StreamState`).
 */

/** Where a connection stands. */
export type Phase =
  /** Nothing, or a part of the client's preface, has come (RFC 9113 §3.4). */
  | "AwaitingPreface"
  /** The preface has come, and SETTINGS must follow. */
  | "AwaitingSettings"
  /** Streams come and go. */
  | "Open"
  /** The peer was told that the server will stop (GOAWAY with 2^31 - 1), and may not have read it yet (§6.8). */
  | "ShuttingDown"
  /** The peer was told which stream is the last one. Those that are open are finished. */
  | "Draining"
  /** Nothing more is read. */
  | "Closed"

/** What may happen. */
export type Input =
  | "PrefaceReceived"
  | "SettingsReceived"
  /** The server begins to stop. */
  | "ShutdownAnnounced"
  /** The last stream was named. */
  | "ShutdownCommitted"
  /** The peer broke a rule of the connection, and was told so. */
  | "Failed"
  /** All streams have ended, or the connection is gone. */
  | "Finished"

type Table = { readonly [P in Phase]: { readonly [I in Input]?: Phase } }

/** All transitions. */
export const table: Table = {
  AwaitingPreface: { PrefaceReceived: "AwaitingSettings", Failed: "Closed", Finished: "Closed" },
  AwaitingSettings: { SettingsReceived: "Open", Failed: "Closed", Finished: "Closed" },
  Open: {
    ShutdownAnnounced: "ShuttingDown",
    ShutdownCommitted: "Draining",
    Failed: "Closed",
    Finished: "Closed"
  },
  ShuttingDown: { ShutdownCommitted: "Draining", Failed: "Closed", Finished: "Closed" },
  Draining: { Failed: "Closed", Finished: "Closed" },
  Closed: {}
}

export const phases = Object.keys(table) as ReadonlyArray<Phase>

export const inputs: ReadonlyArray<Input> = [
  "PrefaceReceived",
  "SettingsReceived",
  "ShutdownAnnounced",
  "ShutdownCommitted",
  "Failed",
  "Finished"
]

/** Where every connection begins. */
export const initial: Phase = "AwaitingPreface"

/** The phase after `input`, or `undefined` where the table has none. */
export const next = (phase: Phase, input: Input): Phase | undefined => table[phase][input]

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
