/**
 * Random numbers from a seed (sfc32, seeded by splitmix32): the same on every machine and in every version.
 *
 * Whoever edits this: a changed number changes what every seed that was ever written down means.
 */

const splitmix32 = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = state ^ (state >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return z ^ (z >>> 15)
  }
}

/** See the module. */
export class Seeded {
  private readonly seed: number
  private a: number
  private b: number
  private c: number
  private counter = 1

  constructor(seed: number) {
    this.seed = seed
    // Seeds beyond 32 bits differ in their upper half too.
    const mix = splitmix32((seed >>> 0) ^ Math.imul(Math.floor(seed / 0x1_0000_0000) | 0, 0x9e3779b1))
    this.a = mix()
    this.b = mix()
    this.c = mix()
  }

  /** Numbers of their own for a part: what one part draws does not change what another one does. */
  fork(part: number): Seeded {
    return new Seeded(splitmix32(Math.imul(this.seed | 0, 0x85ebca6b) ^ Math.imul(part + 1, 0xc2b2ae35))())
  }

  /** At least 0 and less than 1. */
  next(): number {
    const t = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0
    return (t >>> 0) / 0x1_0000_0000
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least >= most ? least : least + Math.floor(this.next() * (most - least + 1))
  }

  /** Whether something of this probability happens. What cannot happen draws nothing. */
  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability
  }

  /** One of them. */
  pick<A>(choices: ReadonlyArray<A>): A {
    return choices[this.between(0, choices.length - 1)]
  }
}
