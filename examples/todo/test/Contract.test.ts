import { it } from "@effect/vitest"
import * as ApiContract from "@nvo/testing/ApiContract"
import { Effect, Logger } from "effect"
import { Api } from "../src/api/Api.ts"
import { maxJsonBytes } from "../src/http/ProblemResponses.ts"
import { layer } from "./support.ts"

it.live("keeps its contract", () =>
  Effect.provide(ApiContract.check(Api, layer, { maxBodyBytes: maxJsonBytes }), Logger.layer([]))
)
