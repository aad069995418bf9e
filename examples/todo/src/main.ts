import { NodeRuntime } from "@effect/platform-node"
import { Cause, Effect, Layer, Runtime } from "effect"
import { App } from "./App.ts"
import { explain } from "./StartError.ts"

/** A stop that was asked for (Ctrl-C, SIGTERM) is a success; whatever started us should see it as one. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  exit._tag === "Failure" && Cause.hasInterruptsOnly(exit.cause)
    ? onExit(0)
    : Runtime.defaultTeardown(exit, onExit)

Layer.launch(App).pipe(Effect.catch(explain), NodeRuntime.runMain({ teardown }))
