/**
 * A program of its own that serves over the poller: says its port, then each connection that could not be accepted.
 * It answers the first octets of each peer with `hello`, and goes on until it is killed.
 */
import { PollTransport } from "@nvo/node"
import { Transport } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

const program = Effect.gen(function* () {
  const transport = yield* Transport.Transport
  const { accept, address } = yield* transport.listen({ host: "127.0.0.1", port: 0 })
  console.log(`port ${"port" in address ? address.port : 0}`)
  const one = Effect.gen(function* () {
    const scope = yield* Scope.make()
    const connection = yield* Scope.provide(accept, scope)
    const answering = Effect.forever(Effect.andThen(connection.pull, connection.write(["hello"])))
    yield* Effect.forkChild(Effect.ensuring(Effect.ignore(answering), Scope.close(scope, Exit.void)))
  })
  const failed = ({ reason }: { readonly reason: { readonly _tag: string; readonly cause?: unknown } }) =>
    Effect.sync(() => console.log(`${reason._tag} ${(reason.cause as { readonly code?: string }).code}`))
  return yield* Effect.forever(Effect.catch(one, failed))
}).pipe(Effect.scoped, Effect.provide(PollTransport.layer()))

void Effect.runPromise(program)
