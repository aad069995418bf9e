/**
 * One frame on the stack of a fiber in place of three: it restores the context, encodes what succeeds, and hands
 * what fails to Effect's own way of answering it.
 *
 * Whoever edits this: a frame like this is what Effect's `HttpEffect` uses for a request, and the names are those of
 * Effect's run loop. `isKnown` runs an effect through such a frame before anything else here is used.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"

const successCont = "~effect/Effect/successCont"
const failureCont = "~effect/Effect/failureCont"
const ensureCont = "~effect/Effect/ensureCont"

/** What of a fiber is used here besides its public face. */
export interface Running extends Fiber.Fiber<unknown, unknown> {
  readonly _stack: Array<object>
  interruptible: boolean
  readonly _deferredInterrupt: boolean
  setContext(context: Context.Context<never>): void
}

export type AnyEffect = Effect.Effect<unknown, unknown>

/** What a route does with the outcome of what it runs. It is told the context to which it returns. */
export interface Outcome {
  readonly onSuccess: (value: unknown, fiber: Running, previous: Context.Context<never>) => AnyEffect
  readonly onFailure: (cause: Cause.Cause<unknown>, fiber: Running) => AnyEffect
}

/**
 * Stands where Effect has `provideContext`, `catch` and `withErrorReporting`. Like the frame of `onError` it is not
 * passed over by an interruption, which is reported there.
 */
export class RouteFrame {
  readonly outcome: Outcome
  readonly previous: Context.Context<never>
  private interruptible = false

  constructor(outcome: Outcome, previous: Context.Context<never>) {
    this.outcome = outcome
    this.previous = previous
  }

  [ensureCont](fiber: Running): void {
    this.interruptible = fiber.interruptible
    fiber.interruptible = false
  }

  [successCont](value: unknown, fiber: Running): AnyEffect {
    fiber.interruptible = this.interruptible
    return this.outcome.onSuccess(value, fiber, this.previous)
  }

  [failureCont](cause: Cause.Cause<unknown>, fiber: Running): AnyEffect {
    fiber.interruptible = this.interruptible
    fiber.setContext(this.previous)
    return this.outcome.onFailure(cause, fiber)
  }
}

const probe = (inner: AnyEffect): AnyEffect =>
  Effect.withFiber((current) => {
    const fiber = current as Running
    const previous = fiber.context
    const frame = new RouteFrame(
      {
        onSuccess: (value) => Effect.succeed(["success", value, fiber.interruptible]),
        onFailure: (cause) => Effect.succeed(["failure", cause.reasons[0]._tag, fiber.interruptible])
      },
      previous
    )
    fiber._stack.push(frame)
    return inner
  })

const gives = (effect: AnyEffect, expected: ReadonlyArray<unknown>): boolean => {
  const exit = Effect.runSyncExit(effect)
  return Exit.isSuccess(exit) && String(exit.value) === String(expected)
}

/** Whether Effect's fibers still are what this module takes them for. */
export const isKnown = (): boolean =>
  gives(probe(Effect.succeed(1)), ["success", 1, true]) &&
  gives(probe(Effect.map(Effect.succeed(1), (n) => n + 1)), ["success", 2, true]) &&
  gives(probe(Effect.fail(1)), ["failure", "Fail", true]) &&
  gives(probe(Effect.die(1)), ["failure", "Die", true]) &&
  gives(Effect.uninterruptible(probe(Effect.fail(1))), ["failure", "Fail", false]) &&
  gives(
    probe(
      Effect.withFiber((fiber) => {
        fiber.interruptUnsafe()
        return Effect.failCause(Cause.fail(1)) as AnyEffect
      })
    ),
    ["failure", "Interrupt", true]
  )
