/**
 * The Date field's value (RFC 9110 §6.6.1), made once a second: a response reads no clock for it.
 */
import { HttpDate } from "@nvo/protocol"
import type * as Clock from "effect/Clock"
import { Deadline, type Deadlines } from "../Deadlines.ts"

/** The value by a clock. On the wheel only while somebody asks. */
export const make = (clock: Clock.Clock, wheel: Deadlines): (() => string) => {
  let text = ""
  const stale = new Deadline(wheel, () => {
    text = ""
  })
  return () => {
    if (text === "") {
      const now = clock.currentTimeMillisUnsafe()
      text = HttpDate.format(Math.floor(now / 1000) * 1000)
      stale.arm(1000 - (now % 1000))
    }
    return text
  }
}
