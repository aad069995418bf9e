/** Chromium, driven through its DevTools protocol: pages that are open at the same time, and scripts run in them. */
import * as Fs from "node:fs"
import { Deferred, Effect } from "effect"
import * as Support from "./support.ts"

const names = ["chromium", "chromium-browser", "google-chrome"]

/** The path of Chromium, if the machine has it. */
export const found = names
  .flatMap((name) => (process.env.PATH ?? "").split(":").map((folder) => `${folder}/${name}`))
  .find((file) => Fs.existsSync(file))

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0"
]

export const launch = Effect.fnUntraced(function* (path: string) {
  const { match } = yield* Support.run(
    path,
    [...flags, `--user-data-dir=${yield* Support.folder}`, "about:blank"],
    /DevTools listening on (ws:\S+)/
  )
  const devTools = yield* Support.connect(match[1])
  const answers = new Map<number, Deferred.Deferred<any, Support.Missing>>()
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.flatMap(devTools.next, (answer) => {
        const asked = answers.get(answer.id)
        return asked === undefined ? Effect.void : Deferred.succeed(asked, answer)
      })
    )
  )
  const call = Effect.fnUntraced(function* (method: string, params: object, sessionId?: string) {
    const id = answers.size
    const answer = yield* Deferred.make<any, Support.Missing>()
    answers.set(id, answer)
    yield* devTools.send({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })
    const { error, result } = yield* Support.within(method)(Deferred.await(answer))
    return error === undefined ? result : yield* Effect.die(new Error(`${method}: ${JSON.stringify(error)}`))
  })
  return {
    /** Opens a page; gives what evaluates an expression in it. */
    open: Effect.fnUntraced(function* (url: string) {
      const { targetId } = yield* call("Target.createTarget", { url })
      const { sessionId } = yield* call("Target.attachToTarget", { targetId, flatten: true })
      return (expression: string): Effect.Effect<unknown, Support.Missing> =>
        Effect.map(
          call("Runtime.evaluate", { expression, returnByValue: true }, sessionId),
          ({ result }) => result.value
        )
    })
  }
})
