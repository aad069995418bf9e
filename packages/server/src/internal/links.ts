/**
 * A list in order, whose members know their place in it: adding and removing one takes the same time however long the
 * list is.
 *
 * For what comes and goes all the time. A `Set` or `Map` of V8 makes itself a new table after as many changes as it has
 * places, and the tables that it had before lead from one to the next and keep what stood in them. Once one of them is
 * among the old objects, all after it stay until the whole heap is looked at, with everything that stood in them: under a
 * load of short connections a quarter of all that was made was copied twice and kept, for nothing.
 */

/** What a member has of the list. Written by the list only. */
export interface Linked<A> {
  previous: A | undefined
  next: A | undefined
}

/** See the module. */
export class Links<A extends Linked<A>> implements Iterable<A> {
  size = 0
  /** The one that was added first. */
  first: A | undefined = undefined
  private last: A | undefined = undefined

  /** Adds one that is in no list, as the last. */
  add(member: A): void {
    const { last } = this
    member.previous = last
    if (last === undefined) this.first = member
    else last.next = member
    this.last = member
    this.size++
  }

  /** Takes out one of its members. Nothing leads from it to the others any more. */
  remove(member: A): void {
    const { next, previous } = member
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
    member.previous = undefined
    member.next = undefined
    this.size--
  }

  /** Not to be changed meanwhile: from one that was taken out nothing leads on. */
  *[Symbol.iterator](): Iterator<A> {
    for (let member = this.first; member !== undefined; member = member.next) yield member
  }
}
