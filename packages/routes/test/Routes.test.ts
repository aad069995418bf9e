import { describe, expect, it } from "@effect/vitest"
import { Routes } from "@nvo/routes"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import * as Shape from "../src/internal/shape.ts"
import { build } from "./support/oneGroup.ts"
import * as Surface from "./support/surface.ts"

describe("Routes.explain", () => {
  it("names each endpoint, whether it is compiled, and what is left to Effect", () => {
    const lines = new Map(
      Routes.explain(Surface.Api)
        .split("\n")
        .map((line) => line.split(/ {2,}/))
        .map(([, name, what]) => [name, what])
    )
    expect(lines.get("plain.get")).toBe("compiled")
    expect(lines.get("bodies.create")).toBe("compiled")
    expect(lines.get("guarded.user")).toBe("compiled")
    expect(lines.get("plain.several")).toBe("compiled; response made by Effect (2 success schemas)")
    expect(lines.get("plain.lines")).toBe("compiled; response made by Effect (a stream)")
    expect(lines.get("bodies.upload")).toBe("compiled; payload read by Effect (multipart/form-data)")
    expect(lines.get("plain.upgrade")).toBe("not compiled; the connection is upgraded")
    expect(lines.size).toBe(39)
  })
})

describe("Routes.group", () => {
  it.effect("puts its handlers in place of Effect's, and nothing else", () =>
    Effect.gen(function* () {
      const original = yield* build(HttpApiBuilder.group)
      const compiled = yield* build(Routes.group)
      const rest = ({ handler: _, ...rest }: Shape.GroupService["routes"][number]) => rest
      expect(compiled.routes.map(rest)).toEqual(original.routes.map(rest))
      expect([...compiled.handlers.keys()]).toEqual([...original.handlers.keys()])
    })
  )

  it("knows what a group service looks like", () => {
    expect(Shape.isGroupService(undefined)).toBe(false)
    expect(Shape.isGroupService({ routes: [], handlers: new Map() })).toBe(true)
    expect(Shape.isGroupService({ routes: [], handlers: {} })).toBe(false)
    expect(Shape.isGroupService({ routes: [{}], handlers: new Map() })).toBe(false)
    expect(Shape.isGroupService({ routes: [{ handler: Effect.void }], handlers: new Map([["a", {}]]) })).toBe(
      false
    )
  })
})
