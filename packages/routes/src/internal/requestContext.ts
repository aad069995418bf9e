/**
 * The services of a group laid under the context of a request, without copying either.
 *
 * `Context.merge(context, services)` copies both maps for each request. A context that a server makes is a chain of
 * the request's own keys over a map that stays the same from request to request, so the two maps are merged once and
 * the chain is put on top of the result. What comes out has the entries of the merge: the services win.
 *
 * Whoever edits this: the fields are those of Effect's own implementation, which `isKnown` looks at before anything
 * else here is used. A context that is not such a chain is merged as Effect does it.
 */
import * as Context from "effect/Context"

interface Overlay {
  readonly key: string
  readonly value: unknown
  readonly parent: Overlay | undefined
}

/** `ContextImpl` of effect/Context. Fields in the order in which Effect writes them: one hidden class for both. */
interface Chain extends Context.Context<never> {
  cacheRoot: Chain
  base: ReadonlyMap<string, unknown>
  overlay: Overlay | undefined
  depth: number
  _flat: ReadonlyMap<string, unknown> | undefined
  baseHits: number
  maxDepth: number
}

const fields = ["cacheRoot", "base", "overlay", "depth", "_flat", "baseHits", "maxDepth"]

/** Whether Effect's contexts still are what this module takes them for. */
export const isKnown = (): boolean => {
  const empty = Context.makeUnsafe(new Map([["a", 1]]))
  const one = Context.addUnsafe(empty, "b", 2) as unknown as Chain
  const two = Context.addUnsafe(one as Context.Context<never>, "b", 3) as unknown as Chain
  return (
    Object.keys(two).join() === fields.join() &&
    two.cacheRoot === (empty as unknown as Chain) &&
    two.base === (empty as unknown as Chain).base &&
    two.overlay?.key === "b" &&
    two.overlay.value === 3 &&
    two.overlay.parent === one.overlay &&
    one.overlay?.parent === undefined &&
    two.depth === 2 &&
    (empty as unknown as Chain).overlay === undefined &&
    two.mapUnsafe.get("b") === 3 &&
    two.mapUnsafe.size === 2
  )
}

const prototype = Object.getPrototypeOf(Context.empty())

const make = (
  cacheRoot: Chain | undefined,
  base: ReadonlyMap<string, unknown>,
  overlay: Overlay | undefined,
  depth: number,
  maxDepth: number
): Chain => {
  const self: Chain = Object.create(prototype)
  self.cacheRoot = cacheRoot ?? self
  self.base = base
  self.overlay = overlay
  self.depth = depth
  self._flat = undefined
  self.baseHits = 0
  self.maxDepth = maxDepth
  return self
}

/** The chain without the keys that `services` has: itself where there are none. */
const without = (
  overlay: Overlay | undefined,
  services: ReadonlyMap<string, unknown>
): Overlay | undefined => {
  if (overlay === undefined) return undefined
  const parent = without(overlay.parent, services)
  if (services.has(overlay.key)) return parent
  return parent === overlay.parent ? overlay : { key: overlay.key, value: overlay.value, parent }
}

/** `(context) => Context.merge(context, services)`. */
export const merge = (
  services: Context.Context<never>
): ((context: Context.Context<never>) => Context.Context<never>) => {
  const map = services.mapUnsafe
  if (map.size === 0) return (context) => context
  // A map is merged once for each server, a root once for each connection; neither is kept alive by this.
  const bases = new WeakMap<ReadonlyMap<string, unknown>, ReadonlyMap<string, unknown>>()
  const roots = new WeakMap<Chain, Chain>()

  const baseOf = (base: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> => {
    const known = bases.get(base)
    if (known !== undefined) return known
    const merged = new Map([...base, ...map])
    bases.set(base, merged)
    return merged
  }

  // What a fiber reads often it caches by the root of its context, so a root must outlive the request.
  const rootOf = (root: Chain): Chain => {
    const known = roots.get(root)
    const base = baseOf(root.base)
    if (known !== undefined && known.base === base) return known
    const merged = make(undefined, base, without(root.overlay, map), root.depth, root.maxDepth)
    roots.set(root, merged)
    return merged
  }

  return (context) => {
    const { base, cacheRoot, overlay } = context as Chain
    if (overlay === undefined || base !== cacheRoot.base) return Context.merge(context, services)
    const root = rootOf(cacheRoot)
    return make(root, root.base, without(overlay, map), (context as Chain).depth, (context as Chain).maxDepth)
  }
}
