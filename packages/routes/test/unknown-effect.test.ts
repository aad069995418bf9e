import { describe, expect, it } from "@effect/vitest"
import { HttpApiBuilder, Routes } from "@nvo/routes"
import { Effect, Logger } from "effect"
import { vi } from "vitest"
import { build } from "./support/oneGroup.ts"

const compile = vi.hoisted(() => vi.fn())

vi.mock("../src/internal/shape.ts", async (original) => ({
  ...(await original<object>()),
  isKnownEffect: () => false
}))
vi.mock("../src/internal/compiledRoute.ts", () => ({ make: compile }))

describe("where Effect is not what this package was written for", () => {
  it.effect("all routes stay as Effect made them, and a warning says so once", () =>
    Effect.gen(function* () {
      const lines: Array<unknown> = []
      const log = Logger.layer([Logger.make(({ message }) => void lines.push(message))])
      const [first, second] = yield* Effect.all([build(Routes.group), build(HttpApiBuilder.group)]).pipe(
        Effect.provide(log)
      )
      expect(first.routes).toHaveLength(1)
      expect(second.routes).toHaveLength(1)
      expect(compile).not.toHaveBeenCalled()
      expect(lines).toHaveLength(1)
      expect(String(lines[0])).toContain("does not know this version of effect")
    })
  )
})
