/**
 * Octets and the ways to cut them: what a network may do to a message on its way.
 */
import * as Latin1 from "@nvo/protocol/http/Latin1"
import * as fc from "fast-check"

/** The octets of a text in which every character stands for one octet. */
export const fromText = (text: string): Uint8Array => Latin1.encode(text)

/** The octets as such a text: two byte arrays are equal if these are, and a failure can be read. */
export const toText = (bytes: Uint8Array): string => Latin1.decode(bytes, 0, bytes.length)

/** All the octets, one array behind the other. */
export const concat = (parts: Iterable<Uint8Array>): Uint8Array => {
  const all = [...parts]
  const bytes = new Uint8Array(all.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of all) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/**
 * Where to cut, for any bytes: each number is a position modulo the length. Two equal positions make an empty
 * chunk. Drawn without regard to the bytes, so that both shrink on their own.
 */
export type Cuts = ReadonlyArray<number>

/** Cuts, from none to many; they shrink towards none. */
export const cuts: fc.Arbitrary<Cuts> = fc.oneof(
  { weight: 3, arbitrary: fc.array(fc.nat(1_000_000), { maxLength: 4 }) },
  { weight: 2, arbitrary: fc.array(fc.nat(1_000_000), { maxLength: 64 }) },
  // Near the beginning, where heads and their line ends are.
  { weight: 1, arbitrary: fc.array(fc.nat(64), { maxLength: 32 }) }
)

/** The bytes cut there. Each chunk is a copy of its own, as a socket would give it. */
export const cut = (bytes: Uint8Array, cuts: Cuts): ReadonlyArray<Uint8Array> => {
  const at = [0, ...cuts.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((to, i) => bytes.slice(at[i], to))
}

/** One chunk for each octet. */
export const octets = (bytes: Uint8Array): ReadonlyArray<Uint8Array> =>
  Array.from(bytes, (octet) => Uint8Array.of(octet))

/** Both chunks of every way to cut once. */
export const halves = (bytes: Uint8Array): ReadonlyArray<readonly [Uint8Array, Uint8Array]> =>
  Array.from({ length: bytes.length + 1 }, (_, at) => [bytes.slice(0, at), bytes.slice(at)] as const)

/** Every way to split bytes, octet by octet among them. */
export const splits = (bytes: Uint8Array): fc.Arbitrary<ReadonlyArray<Uint8Array>> =>
  fc.oneof(
    { weight: 9, arbitrary: cuts.map((cuts) => cut(bytes, cuts)) },
    { weight: 1, arbitrary: fc.constant(octets(bytes)) }
  )
