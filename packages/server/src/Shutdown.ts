/**
 * The end of a server as one table: (stage, input) → stage.
 *
 * This file owns every transition; the engine only names inputs and does what the stage says. The diagram in
 * docs/architecture.md is drawn from this table. From `Stop` to `Stopped` every stage has a deadline, so the end
 * always comes: `drainDelay`, then `drainTimeout`, then a moment for what was cut to clean up.
 */

/** How far a server is with its end. */
export type Stage =
  /** Serving, and ready for more. */
  | "Serving"
  /** Not ready any more, which `/readyz` says; everything is served for `drainDelay`, so that load balancers notice. */
  | "Unready"
  /** No new connections, idle ones are gone, what is in flight finishes. Ends at `drainTimeout` at the latest. */
  | "Draining"
  /** What was left has been cut, and cleans up. */
  | "Cutting"
  /** The end. */
  | "Stopped"

/** What can happen to a server that ends. */
export type Input =
  /** It is told to stop. */
  | "Stop"
  /** `drainDelay` is over. */
  | "DelayPassed"
  /** The last connection has ended. */
  | "Emptied"
  /** The deadline of the stage is over. */
  | "DeadlinePassed"

type Table = { readonly [S in Stage]: { readonly [I in Input]?: Stage } }

/** All transitions. */
export const table: Table = {
  Serving: { Stop: "Unready" },
  Unready: { DelayPassed: "Draining" },
  Draining: { Emptied: "Stopped", DeadlinePassed: "Cutting" },
  Cutting: { Emptied: "Stopped", DeadlinePassed: "Stopped" },
  Stopped: {}
}

/** All stages, from the first to the last. */
export const stages = Object.keys(table) as ReadonlyArray<Stage>

/** All inputs. */
export const inputs: ReadonlyArray<Input> = ["Stop", "DelayPassed", "Emptied", "DeadlinePassed"]

/** Where every server begins. */
export const initial: Stage = "Serving"

/** The stage after `input`; the same where the table has none: a server that stops is not stopped by less. */
export const next = (stage: Stage, input: Input): Stage => table[stage][input] ?? stage

/** The table as a Mermaid state diagram. */
export const toMermaid = (): string =>
  [
    "stateDiagram-v2",
    `  [*] --> ${initial}`,
    ...stages.flatMap((stage) =>
      inputs.flatMap((input) => {
        const to = table[stage][input]
        return to === undefined ? [] : [`  ${stage} --> ${to}: ${input}`]
      })
    ),
    "  Stopped --> [*]"
  ].join("\n")
