/** The list whose members know their place, beside an array that is asked to do the same. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type Linked, Links } from "../src/internal/links.ts"

class Member implements Linked<Member> {
  previous: Member | undefined = undefined
  next: Member | undefined = undefined
}

describe("a list of links", () => {
  it("has its members in the order in which they were added, whichever are taken out", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(20), { nil: undefined }), { maxLength: 60 }), (steps) => {
        const links = new Links<Member>()
        const model: Array<Member> = []
        for (const step of steps) {
          if (step === undefined || model.length === 0) {
            const member = new Member()
            links.add(member)
            model.push(member)
          } else {
            const [member] = model.splice(step % model.length, 1)
            links.remove(member)
            assert.isUndefined(member.previous)
            assert.isUndefined(member.next)
          }
          assert.strictEqual(links.size, model.length)
          assert.strictEqual(links.first, model[0])
          const listed = [...links]
          assert.strictEqual(listed.length, model.length)
          assert.isTrue(listed.every((member, index) => member === model[index]))
        }
      })
    )
  })
})
