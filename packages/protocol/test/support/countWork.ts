/**
 * Counts what code does with octets: each octet read, copied or allocated. A count is the same on every machine,
 * where a time is not.
 *
 * While `countWork` runs, `new Uint8Array` gives arrays that count, and so must the arrays that are fed. Reading
 * by native code (`Buffer.prototype.latin1Slice`) cannot be counted, so a test mocks the module that calls it.
 */
export interface Work {
  readonly reads: number
  readonly copied: number
  readonly allocated: number
}

export const total = (work: Work): number => work.reads + work.copied + work.allocated

const Native = Uint8Array

let reads = 0
let copied = 0
let allocated = 0

const targets = new WeakMap<object, Uint8Array<ArrayBuffer>>()

const targetOf = (array: Uint8Array): Uint8Array => targets.get(array) ?? array

/** The array, counting. */
export const counting = (target: Uint8Array<ArrayBuffer>): Uint8Array => {
  const proxy = new Proxy(target, {
    get(_, key) {
      if (typeof key === "string" && /^[0-9]+$/.test(key)) {
        reads++
        return target[Number(key)]
      }
      if (key === "set") {
        return (source: Uint8Array, offset?: number) => {
          copied += source.length
          target.set(targetOf(source), offset)
        }
      }
      if (key === "subarray") return (from?: number, to?: number) => counting(target.subarray(from, to))
      if (key === "slice") {
        return (from?: number, to?: number) => {
          const copy = target.slice(from, to)
          copied += copy.length
          return counting(copy)
        }
      }
      const value = Reflect.get(target, key, target)
      return typeof value === "function" ? value.bind(target) : value
    }
  })
  targets.set(proxy, target)
  return proxy
}

/** What `run` did with octets. It must be synchronous. */
export const countWork = (run: () => void): Work => {
  reads = copied = allocated = 0
  const Counting = new Proxy(Native, {
    construct(target, args) {
      const array = new target(...(args as [number]))
      allocated += array.length
      return counting(array)
    }
  })
  globalThis.Uint8Array = Counting
  try {
    run()
  } finally {
    globalThis.Uint8Array = Native
  }
  return { reads, copied, allocated }
}
