/**
 * Field lists as HPACK carries them, and header blocks that are near to valid.
 */
import * as fc from "fast-check"

/** A field, with how it is to be written if that is not left to its name. */
export interface Field {
  readonly name: string
  readonly value: string
  readonly indexing?: "Indexed" | "NotIndexed" | "NeverIndexed" | undefined
}

const octets = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) }, fc.nat(255)), {
      maxLength
    })
    .map((codes) => String.fromCharCode(...codes))

const name = fc.oneof(
  fc.constantFrom(":status", ":path", "cache-control", "content-type", "date", "set-cookie", "x-a", "x-b"),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
)

const value = fc.oneof(fc.constantFrom("200", "/", "", "text/plain", "no-cache"), octets(60))

/** A field of any octets; few names and values, so that tables are used. */
export const field: fc.Arbitrary<Field> = fc.record(
  {
    name,
    value,
    indexing: fc.constantFrom("Indexed" as const, "NotIndexed" as const, "NeverIndexed" as const)
  },
  { requiredKeys: ["name", "value"] }
)

/** Field lists of the blocks of one connection. */
export const lists: fc.Arbitrary<ReadonlyArray<ReadonlyArray<Field>>> = fc.array(
  fc.array(field, { maxLength: 8 }),
  { minLength: 1, maxLength: 6 }
)

/** Octets that begin fields of every kind, with lengths and indexes that may lead anywhere. */
export const blocks: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      { weight: 2, arbitrary: fc.integer({ min: 0x80, max: 0xff }).map((octet) => [octet]) },
      {
        weight: 2,
        arbitrary: fc.tuple(fc.constantFrom(0x40, 0x00, 0x10, 0x42, 0x0f), fc.nat(8), fc.nat(255))
      },
      { weight: 1, arbitrary: fc.tuple(fc.integer({ min: 0x20, max: 0x3f }), fc.nat(255)) },
      { weight: 1, arbitrary: fc.array(fc.nat(255), { maxLength: 12 }) }
    ),
    { maxLength: 24 }
  )
  .map((parts) => Uint8Array.from(parts.flat()))
