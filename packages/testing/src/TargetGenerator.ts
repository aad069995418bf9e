/**
 * Request targets in their four forms, RFC 9112 §3.2, with what each is understood as.
 */
import type * as RequestTarget from "@nvo/protocol/http/RequestTarget"
import * as fc from "fast-check"
import * as Characters from "./Characters.ts"
import * as HostGenerator from "./HostGenerator.ts"

/** A method and the target that it may have. */
export interface MethodAndTarget {
  readonly method: string
  readonly target: string
  readonly form: RequestTarget.Form
}

const percentEncoded = fc
  .tuple(Characters.of(Characters.HEXDIG), Characters.of(Characters.HEXDIG))
  .map(([high, low]) => `%${high}${low}`)

const text = (alphabet: string) =>
  fc
    .array(
      fc.oneof(
        Characters.plainestFirst,
        { weight: 9, arbitrary: Characters.of(alphabet) },
        { weight: 1, arbitrary: percentEncoded }
      ),
      { maxLength: 16 }
    )
    .map((parts) => parts.join(""))

/** A path that begins with "/"; "//" and dots among its segments are left to whoever reads it. */
export const path: fc.Arbitrary<string> = text(`a/${Characters.PCHAR}`).map((rest) => `/${rest}`)

/** "?" and a query, or nothing. */
export const query: fc.Arbitrary<string> = fc.oneof(
  Characters.plainestFirst,
  fc.constant(""),
  text(`q=&/?${Characters.PCHAR}`).map((rest) => `?${rest}`)
)

/** A method that is not CONNECT and not too long for the default limits. */
export const method: fc.Arbitrary<string> = fc.oneof(
  Characters.plainestFirst,
  fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "connect"),
  Characters.token.filter((method) => method !== "CONNECT")
)

export const origin: fc.Arbitrary<MethodAndTarget> = fc
  .tuple(method, path, query)
  .map(([method, path, query]) => ({ method, target: path + query, form: "Origin" }))

export const absolute: fc.Arbitrary<MethodAndTarget> = fc
  .tuple(
    method,
    fc.oneof(Characters.plainestFirst, Characters.anyCase("http"), Characters.anyCase("https")),
    HostGenerator.authority,
    fc.oneof(Characters.plainestFirst, fc.constant(""), path),
    query
  )
  .map(([method, scheme, authority, path, query]) => ({
    method,
    target: `${scheme}://${authority}${path}${query}`,
    form: "Absolute"
  }))

export const authority: fc.Arbitrary<MethodAndTarget> = HostGenerator.hostWithPort.map((target) => ({
  method: "CONNECT",
  target,
  form: "Authority"
}))

export const asterisk: fc.Arbitrary<MethodAndTarget> = fc.constant({
  method: "OPTIONS",
  target: "*",
  form: "Asterisk"
})

/** Any form, the everyday one most. */
export const any: fc.Arbitrary<MethodAndTarget> = fc.oneof(
  Characters.plainestFirst,
  { weight: 6, arbitrary: origin },
  { weight: 2, arbitrary: absolute },
  { weight: 1, arbitrary: authority },
  { weight: 1, arbitrary: asterisk }
)
