/**
 * Hosts and authorities, RFC 3986 §3.2.2 and §3.2.3: names, IPv4, every way to write IPv6, IPvFuture, ports.
 */
import * as fc from "fast-check"
import * as Characters from "./Characters.ts"

const percentEncoded = fc
  .tuple(Characters.of(Characters.HEXDIG), Characters.of(Characters.HEXDIG))
  .map(([high, low]) => `%${high}${low}`)

/** A name without a comma: what a Host field may hold. */
export const regName: fc.Arbitrary<string> = fc.oneof(
  Characters.plainestFirst,
  fc.constantFrom("a", "example.com", "localhost", "EXAMPLE.com", "xn--bcher-kva.example"),
  fc
    .array(
      fc.oneof(
        Characters.plainestFirst,
        { weight: 9, arbitrary: Characters.of(`a${Characters.UNRESERVED}!$&'()*+;=`) },
        { weight: 1, arbitrary: percentEncoded }
      ),
      { minLength: 1, maxLength: 12 }
    )
    .map((parts) => parts.join(""))
)

export const ipv4: fc.Arbitrary<string> = fc
  .array(fc.nat(255), { minLength: 4, maxLength: 4 })
  .map((octets) => octets.join("."))

const group = Characters.string(Characters.HEXDIG, { minLength: 1, maxLength: 4 })

/** An IPv6 address in any of the nine productions of RFC 3986 §3.2.2, without brackets. */
export const ipv6: fc.Arbitrary<string> = fc
  .record({
    groups: fc.array(group, { minLength: 8, maxLength: 8 }),
    tail: fc.option(ipv4, { nil: undefined }),
    // Groups from..to are left out and written as "::".
    from: fc.nat(8),
    count: fc.nat(8)
  })
  .map(({ count, from, groups, tail }) => {
    const units = tail === undefined ? groups : [...groups.slice(0, 6), tail]
    const start = from % units.length
    // The IPv4 tail stands for the last 32 bits: either it is written or it is among what "::" leaves out.
    const end = Math.min(start + count, units.length)
    if (end === start) return units.join(":")
    return `${units.slice(0, start).join(":")}::${units.slice(end).join(":")}`
  })

export const ipvFuture: fc.Arbitrary<string> = fc
  .tuple(
    Characters.string(Characters.HEXDIG, { minLength: 1, maxLength: 3 }),
    Characters.string(`a${Characters.UNRESERVED}${Characters.SUB_DELIMS}:`, { minLength: 1 })
  )
  .map(([version, rest]) => `v${version}.${rest}`)

/** A host that is not empty. */
export const host: fc.Arbitrary<string> = fc.oneof(
  Characters.plainestFirst,
  { weight: 4, arbitrary: regName },
  { weight: 1, arbitrary: ipv4 },
  { weight: 2, arbitrary: ipv6.map((address) => `[${address}]`) },
  { weight: 1, arbitrary: ipvFuture.map((address) => `[${address}]`) }
)

export const port: fc.Arbitrary<string> = fc.oneof(
  Characters.plainestFirst,
  fc.constantFrom("80", "0", "65535", "00080"),
  fc.integer({ min: 1, max: 65_535 }).map(String)
)

/** What stands in an absolute target: a host, perhaps with a port, which may be empty. */
export const authority: fc.Arbitrary<string> = fc
  .tuple(
    host,
    fc.oneof(
      Characters.plainestFirst,
      fc.constantFrom("", ":"),
      port.map((port) => `:${port}`)
    )
  )
  .map(([host, port]) => host + port)

/** What stands in a Host field, the empty value among them, RFC 9110 §7.2. */
export const hostField: fc.Arbitrary<string> = fc.oneof(
  Characters.plainestFirst,
  { weight: 9, arbitrary: authority },
  { weight: 1, arbitrary: fc.constant("") }
)

/** What CONNECT takes: a host with a port that is not empty. */
export const hostWithPort: fc.Arbitrary<string> = fc
  .tuple(host, port)
  .map(([host, port]) => `${host}:${port}`)
