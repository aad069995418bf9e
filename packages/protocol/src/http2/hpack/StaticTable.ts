/**
 * The static table, RFC 7541 Appendix A: indexes 1 to 61.
 */
import { HeaderField } from "./HeaderField.ts"

const rows: ReadonlyArray<readonly [name: string, value: string]> = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""]
]

/** The fields by index; index 0 is not one. */
export const fields: ReadonlyArray<HeaderField> = [
  new HeaderField("", ""),
  ...rows.map(([name, value]) => new HeaderField(name, value))
]

/** How many fields there are. */
export const size: number = rows.length

/** What the table has under one name: the first index, and the values from there on. */
export interface Named {
  readonly index: number
  readonly values: ReadonlyArray<string>
}

/** By name. Fields of one name stand next to each other. */
export const byName: ReadonlyMap<string, Named> = (() => {
  const names = new Map<string, { readonly index: number; readonly values: Array<string> }>()
  rows.forEach(([name, value], at) => {
    const named = names.get(name)
    if (named === undefined) names.set(name, { index: at + 1, values: [value] })
    else named.values.push(value)
  })
  return names
})()
