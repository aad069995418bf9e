// Mutants of HTTP/1.1 that no test can notice, each with the reason. One that is noticed after all does not belong here.
import type { Equivalent } from "./run.ts"

const SOURCES = "packages/protocol/src/http1/"

const because = (
  reason: string,
  mutants: ReadonlyArray<readonly [file: string, line: string, original: string, replacement: string]>
): ReadonlyArray<Equivalent> =>
  mutants.map(([file, line, original, replacement]) => ({
    file: SOURCES + file,
    line,
    change: [original, replacement],
    reason
  }))

export const equivalents: ReadonlyArray<Equivalent> = [
  ...because("where both are equal, either is the answer", [
    ["internal/chunkedScan.ts", "const end = size < to - i ? i + size : to", "<", "<="],
    ["internal/headStep.ts", "const to = limit < bytes.length ? limit : bytes.length", "<", "<="],
    ["internal/requestLineScan.ts", "const end = limit < to ? limit : to", "<", "<="]
  ]),
  ...because("the search ends before: there is an octet that is not allowed", [
    [
      "ResponseEncoder.ts",
      "while (at < value.length && Grammar.isFieldValue(value.slice(at, at + 1))) at++",
      "<",
      "<="
    ]
  ]),
  ...because("how much is kept changes no answer", [
    ["ResponseEncoder.ts", "const MAX_KEPT_VALUE = 64", "64", "65"],
    ["ResponseEncoder.ts", "const MAX_LAST_LINES = 64", "64", "65"],
    [
      "ResponseEncoder.ts",
      'if (typeof text !== "string" || value.length > MAX_KEPT_VALUE) return text',
      ">",
      ">="
    ],
    [
      "ResponseEncoder.ts",
      "} else if (lastLines.size < MAX_LAST_LINES) lastLines.set(name, { value, text })",
      "lastLines.size < MAX_LAST_LINES",
      "false"
    ],
    ["ResponseEncoder.ts", 'let lastDate = ""', '""', '"mutant"']
  ]),
  ...because("a method that is no constant is the same text, cut out of the head", [
    [
      "internal/headStep.ts",
      'const COMMON_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] as const',
      '"PATCH", ',
      ""
    ],
    [
      "internal/headStep.ts",
      'const COMMON_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] as const',
      ', "OPTIONS"',
      ""
    ]
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
  ...because("behind the last trailer field there is none of any name", [
    ["internal/bodySteps.ts", "for (let i = 0; i < trailers.size; i++) {", "<", "<="]
  ])
]
