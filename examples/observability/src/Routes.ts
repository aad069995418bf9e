/** Routes that end in each of the ways that telemetry tells apart. */
import { Data, Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"

class OutOfStock extends Data.TaggedError("OutOfStock")<{ readonly item: string }> {}

const Order = HttpRouter.add(
  "GET",
  "/orders/:id",
  Effect.gen(function* () {
    const { id } = yield* HttpRouter.params
    yield* Effect.logInfo("looked an order up")
    // A span of the program's own, inside that of the request.
    yield* Effect.sleep("5 millis").pipe(Effect.withSpan("database"))
    return yield* HttpServerResponse.json({ id })
  }).pipe(Effect.orDie)
)

const Slow = HttpRouter.add(
  "GET",
  "/slow",
  Effect.as(Effect.sleep("1 second"), HttpServerResponse.text("at last\n"))
)

const Broken = HttpRouter.add("GET", "/broken", Effect.die(new OutOfStock({ item: "tea" })))

export const Routes = Layer.mergeAll(
  HttpRouter.add("GET", "/", HttpServerResponse.text("Try /orders/1, /slow and /broken\n")),
  Order,
  Slow,
  Broken
)
