/**
 * Effect's `Arbitrary` as one of fast-check: the values and the ways to make them smaller are Effect's, choosing among
 * them is fast-check's.
 *
 * Effect gives its users no shrink tree, only a check that walks down in one. So the check is stopped at every value
 * it asks about, and goes on as fast-check wants: "that fails" leads to smaller values, "that does not" to the next
 * one. fast-check mostly wants what comes next; where it goes back, a new walk is led to the place.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import * as fc from "fast-check"

/** What a value of a schema may hold, at the most: items of a list, characters of a text. Effect's own default. */
export const SIZE = 10

// Smaller values that one walk looks at: more than any shrinking that somebody waits for.
const LOOKED_AT = 1_000_000

// A walk has to be at its next value when it is told to go on, so it never gives way.
const inOneGo = Context.make(Scheduler.MaxOpsBeforeYield, Number.POSITIVE_INFINITY)

interface Start {
  readonly seed: number
  readonly size: number
}

class Walk<A> {
  /** The value at which it stands; `undefined` when there are no more. */
  at: { readonly value: A } | undefined
  private resume: ((effect: Effect.Effect<boolean>) => void) | undefined

  constructor(of: Arbitrary.Arbitrary<A>, { seed, size }: Start) {
    const stop = (value: A): Effect.Effect<boolean> =>
      Effect.callback((resume) => {
        this.at = { value }
        this.resume = resume
      })
    Effect.runForkWith(inOneGo)(
      Arbitrary.checkEffect(of, stop, { runs: 1, seed, size, maxShrinks: LOOKED_AT })
    )
  }

  tell(answer: "Fails" | "Holds"): void {
    const { resume } = this
    this.at = undefined
    this.resume = undefined
    resume?.(Effect.succeed(answer === "Holds"))
  }
}

/** A value in the tree. */
interface Node<A> {
  readonly start: Start
  readonly parent: Node<A> | undefined
  readonly index: number
}

// A walk that stands at a node.
const walkTo = <A>(of: Arbitrary.Arbitrary<A>, { index, parent, start }: Node<A>): Walk<A> => {
  if (parent === undefined) return new Walk(of, start)
  const walk = walkTo(of, parent)
  walk.tell("Fails")
  for (let i = 0; i < index; i++) walk.tell("Holds")
  return walk
}

/** See the module. */
export class ShrinkTree<A> extends fc.Arbitrary<A> {
  private readonly of: Arbitrary.Arbitrary<A>
  /** The last walk, and where it stands. */
  private last: { readonly walk: Walk<A>; readonly node: Node<A> } | undefined

  constructor(of: Arbitrary.Arbitrary<A>) {
    super()
    this.of = of
  }

  override generate(random: fc.Random, biasFactor: number | undefined): fc.Value<A> {
    // The first runs of a property are biased: towards what is small.
    const size = biasFactor === undefined ? SIZE : random.nextInt(0, SIZE)
    const node = { start: { seed: random.nextInt(0, 0x7fffffff), size }, parent: undefined, index: 0 }
    const { at } = this.standAt(node)
    if (at === undefined)
      throw new RangeError("No value of the schema was found: its filters refuse too many")
    return new fc.Value(at.value, node)
  }

  /** A value that was not generated here has no way to a smaller one. */
  override canShrinkWithoutContext(_value: unknown): _value is A {
    return false
  }

  override shrink(_value: A, context: unknown): fc.Stream<fc.Value<A>> {
    return context === undefined ? fc.Stream.nil() : new fc.Stream(this.children(context as Node<A>))
  }

  private *children(parent: Node<A>): Generator<fc.Value<A>> {
    let before = parent
    for (let index = 0; ; index++) {
      const walk = this.standAt(before)
      walk.tell(index === 0 ? "Fails" : "Holds")
      const node = { start: parent.start, parent, index }
      this.last = { walk, node }
      if (walk.at === undefined) return
      yield new fc.Value(walk.at.value, node)
      before = node
    }
  }

  private standAt(node: Node<A>): Walk<A> {
    if (this.last?.node === node) return this.last.walk
    const walk = walkTo(this.of, node)
    this.last = { walk, node }
    return walk
  }
}
