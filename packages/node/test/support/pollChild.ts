/**
 * A program of its own for what only a process can show: it serves over the poller, asks itself once, stops, and is
 * to end by itself. What it was told comes on stdout.
 */
import { NvoServer } from "@nvo/node"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"

// A listener that came and went leaves SIGPIPE at its default, which ends a process that writes to nobody.
const listener = () => {}
process.on("SIGPIPE", listener)
process.off("SIGPIPE", listener)

const program = Effect.gen(function* () {
  yield* HttpServer.serveEffect(Effect.succeed(HttpServerResponse.text("x".repeat(100_000))))
  const { address } = yield* HttpServer.HttpServer
  const url = `http://127.0.0.1:${"port" in address ? address.port : 0}/`
  // Peers that leave before they are answered, then one that stays.
  for (let i = 0; i < 20; i++) {
    const controller = new AbortController()
    const gone = fetch(url, { signal: controller.signal }).catch(() => undefined)
    yield* Effect.sleep(i % 5)
    controller.abort()
    yield* Effect.promise(() => gone)
  }
  const text = yield* Effect.promise(() =>
    fetch(url, { headers: { connection: "close" } }).then((r) => r.text())
  )
  console.log(`answered ${text.length}`)
}).pipe(
  Effect.scoped,
  Effect.provide(Layer.fresh(NvoServer.layer({ port: 0, host: "127.0.0.1", transport: "poll" })))
)

Effect.runPromise(program).then(
  () => console.log("stopped"),
  (error: unknown) => console.log(String((error as { readonly cause?: unknown }).cause ?? error))
)
