/** A group with one endpoint, built by whichever function, and what it provides. */
import { type Context, Effect, Layer } from "effect"
import { HttpApi, type HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import type { GroupService } from "../../src/internal/shape.ts"

const Group = HttpApiGroup.make("a").add(HttpApiEndpoint.get("one", "/one"))
const Api = HttpApi.make("api").add(Group)

export const build = (group: typeof HttpApiBuilder.group) =>
  Effect.map(
    Layer.build(group(Api, "a", (handlers) => handlers.handle("one", () => Effect.void))),
    (context: Context.Context<never>): GroupService => context.mapUnsafe.get(Group.key)
  )
