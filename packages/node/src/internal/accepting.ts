/**
 * What a listener accepts, as a resource of the Scope.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"

/**
 * Waits for `take`, and releases what it gives with the Scope. Interruption loses none.
 *
 * `Effect.acquireRelease` does the same and keeps the services of whoever asked for the release, which takes a copy of all
 * of them for each connection: a third of what a new connection costs in the engine. The release here needs none.
 */
export const accepting = <A extends { readonly release: Effect.Effect<void> }, E>(
  take: Effect.Effect<A, E>
): Effect.Effect<A, E, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.scope, (scope) =>
      Effect.flatMap(restore(take), (accepted) =>
        Effect.as(Scope.addFinalizer(scope, accepted.release), accepted)
      )
    )
  )
