/**
 * Many errors of one kind within a short time, told as one: the first at once, and how many there were when it is
 * over. A burst is over when nothing of its kind happened for a while.
 */
import { Deadline, type Deadlines } from "../Deadlines.ts"

// Milliseconds without another after which a burst is over; chosen by feel.
const QUIET = 1_000

/** Where a burst is told. */
export interface Told<E> {
  /** Its first. */
  readonly report: (error: E) => void
  /** Each of the others. */
  readonly count: (error: E) => void
  /** The number of all, when it is over and there was more than one. */
  readonly over: (total: number) => void
}

/** See the module. */
export class Burst<E> {
  private total = 0
  private readonly quiet: Deadline
  private readonly told: Told<E>

  constructor(wheel: Deadlines, told: Told<E>) {
    this.told = told
    this.quiet = new Deadline(wheel, () => {
      const { total } = this
      this.total = 0
      if (total > 1) told.over(total)
    })
  }

  /** One more. */
  add(error: E): void {
    if (++this.total === 1) this.told.report(error)
    else this.told.count(error)
    this.quiet.arm(QUIET)
  }
}
