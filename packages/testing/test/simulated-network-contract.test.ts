/** The simulated network keeps the contract of transports, whatever it does to what is on its way. */

import { describe, it } from "@effect/vitest"
import { FaultPlan, SimulatedNetwork, SimulatedTime, TransportContract } from "@nvo/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** A network for each test; the tests reach it through the one that was built last. */
const subject = (options: SimulatedNetwork.Options): TransportContract.Subject => {
  let network: SimulatedNetwork.SimulatedNetwork["Service"] | undefined
  return {
    layer: Layer.effectContext(
      Effect.tap(Layer.build(Layer.fresh(SimulatedNetwork.layer(options))), (context) =>
        Effect.sync(() => {
          network = Context.get(context, SimulatedNetwork.SimulatedNetwork)
        })
      )
    ),
    where: Effect.succeed({ port: 0 }),
    connect: (address) =>
      network === undefined ? Effect.fail("There is no network yet") : network.connect(address),
    tellsResets: true,
    resources: Effect.suspend(() =>
      network === undefined ? Effect.succeed({ listeners: 0, serverEnds: 0, clientEnds: 0 }) : network.held
    )
  }
}

// In simulated time: the tests wait for minutes, and nobody notices.
const runner: TransportContract.Runner = {
  describe,
  live: (name, test) => it(name, () => SimulatedTime.run(Effect.scoped(test())))
}

const some: Partial<FaultPlan.Direction> = {
  latency: [0, 20],
  segment: [1, 100_000],
  coalesce: 0.5,
  stall: { chance: 0.01, millis: [1, 100] }
}

const plans: Readonly<Record<string, FaultPlan.FaultPlan>> = {
  "a calm network": FaultPlan.none,
  "a slow network that splits and joins": FaultPlan.make({ toServer: some, toClient: some }),
  "a network of full buffers": FaultPlan.make({ toServer: { buffer: 1_000 }, toClient: { buffer: 1_000 } })
}

for (const [name, plan] of Object.entries(plans)) {
  TransportContract.suite(`simulated, ${name}`, subject({ seed: 1, plan }), runner)
}
TransportContract.suite(
  "simulated, fibers in any order",
  subject({ seed: 1, plan: plans["a slow network that splits and joins"] }),
  {
    describe,
    live: (name, test) => it(name, () => SimulatedTime.run(Effect.scoped(test()), { shuffle: true }))
  }
)
TransportContract.suite("simulated, on the live clock", subject({ seed: 1 }), { describe, live: it.live })
