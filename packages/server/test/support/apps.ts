/** Applications that do what no example does. */
import { Bytes } from "@nvo/testing"
import { Effect, Stream } from "effect"
import { HttpEffect, HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import * as HandlerTimeout from "../../src/HandlerTimeout.ts"
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

/** Has made its response, and a pre-response handler fails. */
export const failing = (failure: unknown): App =>
  Effect.andThen(
    HttpEffect.appendPreResponseHandler(() => Effect.fail(failure) as Effect.Effect<never>),
    Effect.succeed(HttpServerResponse.text("hello"))
  )

/** Asks for less time than its response takes, when its head is out. */
export const hurriedTooLate: App = Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
  HttpServerResponse.stream(
    Stream.fromEffect(
      HandlerTimeout.set(1).pipe(
        Effect.andThen(Effect.sleep("1 second")),
        Effect.as(Bytes.fromText("all")),
        Effect.provideService(HttpServerRequest.HttpServerRequest, request)
      )
    )
  )
)
