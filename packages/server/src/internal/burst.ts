/**
 * Many errors of one kind within a short time, told as one: the first at once, and how many there were when it is
 * over. A burst is over when nothing of its kind happened for a while.
 */
import * as Effect from "effect/Effect"
import { Deadline, type Deadlines } from "../Deadlines.ts"
import type { ServerError } from "../ServerError.ts"
import type { ServerErrors } from "../ServerErrors.ts"

// Milliseconds without another after which a burst is over; chosen by feel.
const QUIET = 1_000

/** See the module. */
export class Burst<E extends ServerError> {
  private total = 0
  /** One error of each reason, which stands for all in the metric: making one costs 10 µs. */
  private readonly counted = new Map<string, E>()
  private readonly quiet: Deadline
  private readonly errors: ServerErrors["Service"]
  private readonly run: (effect: Effect.Effect<void>) => void

  /** `what` happened, in the sentence that a burst ends with: "requests were turned away". */
  constructor(
    wheel: Deadlines,
    errors: ServerErrors["Service"],
    run: (effect: Effect.Effect<void>) => void,
    what: string
  ) {
    this.errors = errors
    this.run = run
    this.quiet = new Deadline(wheel, () => {
      const { total } = this
      this.total = 0
      if (total > 1) run(Effect.logWarning(`${total} ${what} in one burst`))
    })
  }

  /** One more, of a reason. `make` makes it where it is told. */
  add(reason: string, make: () => E): void {
    if (++this.total === 1) this.run(this.errors.report(make()))
    else this.run(this.errors.count(this.like(reason, make)))
    this.quiet.arm(QUIET)
  }

  private like(reason: string, make: () => E): E {
    let error = this.counted.get(reason)
    if (error === undefined) {
      error = make()
      this.counted.set(reason, error)
    }
    return error
  }
}
