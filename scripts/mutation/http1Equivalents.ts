// Mutants of HTTP/1.1 that no test can notice, each with the reason. One that is noticed after all does not belong here.
import type { Equivalent } from "./run.ts"

const SOURCES = "packages/protocol/src/http1/"

type Change = readonly [file: string, line: string, original: string, replacement: string, behind?: string]

const because = (reason: string, mutants: ReadonlyArray<Change>): ReadonlyArray<Equivalent> =>
  mutants.map(([file, line, original, replacement, behind]) => ({
    file: SOURCES + file,
    line,
    change: [original, replacement],
    reason,
    ...(behind === undefined ? {} : { behind })
  }))

const METHODS = 'const COMMON_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] as const'

// A `break` that is left out, by what stands behind it.
const noBreak = (file: string, ...cases: ReadonlyArray<string>): ReadonlyArray<Change> =>
  cases.map((behind) => [file, "break", "break", ";", behind])

// What is only there for speed.
const speed: ReadonlyArray<Equivalent> = [
  ...because("a status line, or a field line, is made anew instead of kept", [
    ["ResponseEncoder.ts", "if (line === undefined) {", "line === undefined", "true"],
    ["ResponseEncoder.ts", "statusLines.set(status, line)", "statusLines", ";"],
    ["ResponseEncoder.ts", "if (date !== lastDate) {", "date !== lastDate", "true"],
    ["ResponseEncoder.ts", "lastDate = date", "lastDate", ";"],
    [
      "internal/fieldLines.ts",
      "if (last !== undefined && last.value === value) return last.text",
      "last !== undefined",
      "false"
    ],
    ["internal/fieldLines.ts", "if (names.has(name)) return true", "names", "false"]
  ]),
  ...because("a Host that is known to be valid is looked at again", [
    ["internal/headSemantics.ts", "if (host === lastValidHost) return true", "host ===", "false"],
    ["internal/headSemantics.ts", "lastValidHost = host", "lastValidHost", ";"]
  ]),
  ...because("a length that was declared as it is known is parsed", [
    [
      "ResponseEncoder.ts",
      "bodyLength !== undefined && value === String(bodyLength) ? bodyLength : parseLength(value)",
      "bodyLength !==",
      "false"
    ],
    [
      "ResponseEncoder.ts",
      "bodyLength !== undefined && value === String(bodyLength) ? bodyLength : parseLength(value)",
      "!==",
      "==="
    ]
  ]),
  ...because("a slice of all octets has the same octets", [
    [
      "internal/bodySteps.ts",
      "new RequestEvent.BodyData(take === run.bytes.length ? run.bytes : run.bytes.subarray(from, run.at))",
      "take ===",
      "false"
    ]
  ]),
  ...because("a method that is no constant is the same text, cut out of the head", [
    ["internal/headStep.ts", METHODS, '"', ""],
    ["internal/headStep.ts", METHODS, '"', '""'],
    ["internal/headStep.ts", METHODS, ', "OPTIONS"', ""],
    ["internal/headStep.ts", "for (let i = 0; i < COMMON_METHODS.length; i++) {", "0", "1"],
    ["internal/headStep.ts", "for (let i = 0; i < COMMON_METHODS.length; i++) {", "<", ">="],
    ["internal/headStep.ts", "for (let i = 0; i < COMMON_METHODS.length; i++) {", "i <", "false"],
    [
      "internal/headStep.ts",
      "if (method.length === length && text.startsWith(method)) return method",
      "method.length === length &&",
      "false"
    ]
  ]),
  ...because("the next case asks for a name of another length", [
    ...noBreak("ResponseEncoder.ts", "case 7:", "case 10: {", "} case 14:", "case 16:", "case 17:"),
    ...noBreak("internal/headSemantics.ts", "case 6:", "case 7:", "case 10:", "case 14:", "case 17:")
  ]),
  ...because("the octet is looked at once more", [
    ["internal/fieldScan.ts", "i++", "i++", ";", "} else if (octet === CR) {"]
  ])
]

export const equivalents: ReadonlyArray<Equivalent> = [
  ...speed,
  ...because("the next case does what comes next, or finds that nothing has come", [
    ...noBreak("internal/fieldScan.ts", "} case VALUE_START: {", "} case VALUE: {"),
    ...noBreak("internal/requestLineScan.ts", "} case TARGET: {")
  ]),
  ...because(
    "a phase is told from the others, whatever its number, and the last one is what is none of them",
    [
      ["internal/chunkedScan.ts", "const QUOTED_END = 14", "14", "15"],
      ["internal/chunkedScan.ts", "if (octet === 0x22) return QUOTED_END", "QUOTED_END", "undefined"],
      ["internal/fieldScan.ts", "const LAST_LINE_FEED = 5", "5", "6"],
      ["internal/requestLineScan.ts", "const LINE_FEED = 7", "7", "8"]
    ]
  ),
  ...because("nobody asks for it: it is what is none of the others", [
    ["internal/chunkedScan.ts", 'result.outcome = "More"', '"More"', '""'],
    ["internal/requestLineScan.ts", 'result.outcome = "Done"', '"Done"', '""']
  ]),
  ...because("the line begins where its method does, whatever was said before", [
    [
      "internal/headStep.ts",
      "RequestLineScan.scan(head, 0, head.length, RequestLineScan.start, limits, 0)",
      "0",
      "1"
    ]
  ]),
  ...because("between messages there is nothing of a head", [
    [
      "internal/headStep.ts",
      'const resumed = state._tag === "Head" ? state : undefined',
      'state._tag === "Head"',
      "true"
    ]
  ]),
  ...because("the octet behind is over the limit of the section, which is then the answer", [
    ["internal/fieldScan.ts", "while (i < to && (bytes[i] === SP || bytes[i] === HTAB)) i++", "<", "<="]
  ]),
  ...because("the first octet of a request line is no line end, and is shown", [
    ["Excerpt.ts", "let to = 0", "0", "1"]
  ]),
  ...because("a text of white space alone is empty, whichever of its two ends is looked at", [
    [
      "internal/headSemantics.ts",
      "while (to > from && (text.charCodeAt(to - 1) === SP || text.charCodeAt(to - 1) === HTAB)) to--",
      ">",
      ">="
    ]
  ]),
  ...because("an option that nobody knows is added, and means nothing", [
    [
      "internal/headSemantics.ts",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a line of a source
      "connection = connection === undefined ? fields.value(i) : `${connection},${fields.value(i)}`",
      "connection === undefined",
      "false"
    ]
  ]),
  ...because("behind the last field there is none of any name", [
    ["internal/bodySteps.ts", "for (let i = 0; i < trailers.size; i++) {", "<", "<="],
    ["internal/headSemantics.ts", "for (let i = 0; i < size; i++) {", "<", "<="]
  ])
]
