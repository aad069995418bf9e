/** Applications whose response was made, and which fail all the same. */
import { Effect } from "effect"
import { HttpEffect, HttpServerRespondable, HttpServerResponse } from "effect/http"
import type { App } from "./simulated.ts"

/** A failure that says itself what it is answered with. */
export class Answered extends Error {
  readonly response: HttpServerResponse.HttpServerResponse
  constructor(response: HttpServerResponse.HttpServerResponse) {
    super("answered")
    this.response = response
  }
  [HttpServerRespondable.symbol]() {
    return Effect.succeed(this.response)
  }
}

/** A pre-response handler fails. */
export const failing = (failure: unknown): App =>
  Effect.andThen(
    HttpEffect.appendPreResponseHandler(() => Effect.fail(failure) as Effect.Effect<never>),
    Effect.succeed(HttpServerResponse.text("hello"))
  )
