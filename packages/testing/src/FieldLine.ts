/**
 * A field line as it is sent: every part that a sender chooses, and those it may not choose, so that a mutation
 * can spoil them one by one.
 */
import * as fc from "fast-check"
import * as Characters from "./Characters.ts"

export interface FieldLine {
  readonly name: string
  /** ":" in every valid line. */
  readonly colon: string
  readonly before: string
  readonly value: string
  readonly after: string
  /** CRLF in every valid line. */
  readonly end: string
}

/** A line as most senders write it. */
export const make = (name: string, value: string): FieldLine => ({
  name,
  colon: ":",
  before: value === "" ? "" : " ",
  value,
  after: "",
  end: "\r\n"
})

export const encode = (line: FieldLine): string =>
  `${line.name}${line.colon}${line.before}${line.value}${line.after}${line.end}`

export const encodeAll = (lines: ReadonlyArray<FieldLine>): string => lines.map(encode).join("")

/** What a recipient reads: name and value without the white space around it. */
export const understood = (line: FieldLine): readonly [name: string, value: string] => [line.name, line.value]

// Content characters with white space inside, none around: RFC 9110 §5.5.
const trim = (text: string): string => text.replace(/^[ \t]+|[ \t]+$/g, "")

/** A field value: printable text, obs-text, white space inside, or nothing. */
export const value: fc.Arbitrary<string> = fc.oneof(
  Characters.plainestFirst,
  { weight: 4, arbitrary: Characters.string(`v${Characters.VCHAR}`, { maxLength: 20 }) },
  { weight: 1, arbitrary: fc.constant("") },
  {
    weight: 2,
    arbitrary: Characters.string(`a \t${Characters.VCHAR}${Characters.OBS_TEXT}`, { maxLength: 20 }).map(trim)
  }
)

/** A line of that name and value, in any case and with any white space around the value. */
export const of = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<FieldLine> =>
  fc
    .record({
      name: Characters.anyCase(name),
      before: Characters.ows,
      value,
      after: Characters.ows
    })
    .map((parts) => ({ ...parts, colon: ":", end: "\r\n" }))

// Names that mean something to a decoder or that may not be trailers; the request generator adds its own.
const RESERVED: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "expect",
  "upgrade",
  "trailer",
  "content-encoding",
  "content-type",
  "content-range",
  "set-cookie",
  "keep-alive",
  "proxy-connection",
  "date"
])

/** A field name that frames, routes and decides nothing. */
export const name: fc.Arbitrary<string> = fc
  .oneof(
    Characters.plainestFirst,
    { weight: 3, arbitrary: Characters.token },
    // As long as the names that a decoder looks at, and nearly those.
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "Hosts",
        "Hos",
        "Content-Lengths",
        "Content_Length",
        "X-Content-Length",
        "Transfer-Encodings",
        "Transfer_Encoding",
        "Connections",
        "Accept",
        "Cookie",
        "__proto__",
        "constructor"
      )
    }
  )
  .filter((name) => !RESERVED.has(name.toLowerCase()))

/** A line that frames, routes and decides nothing. */
export const ordinary: fc.Arbitrary<FieldLine> = fc
  .record({ name, before: Characters.ows, value, after: Characters.ows })
  .map((parts) => ({ ...parts, colon: ":", end: "\r\n" }))

/** `line` put among `lines` at `position`, modulo what there is. */
export const insert = (
  lines: ReadonlyArray<FieldLine>,
  line: FieldLine,
  position: number
): ReadonlyArray<FieldLine> => lines.toSpliced(position % (lines.length + 1), 0, line)

/** Whether a line has that name, given in lower case. */
export const is = (line: FieldLine, name: string): boolean => line.name.toLowerCase() === name
