// HTTP/1.1 as what is mutated: its sources, and the tests that are about it.
import * as fs from "node:fs"
import * as path from "node:path"
import { equivalents } from "./http1Equivalents.ts"
import type { Target } from "./run.ts"

const SOURCES = "packages/protocol/src/http1"
const TESTS = "packages/protocol/test"

const about = /^(rfc9110|rfc9112|limits|reasons|excerpt|http1|laws-request|laws-response).*\.test\.ts$/

/** The target, in a clone of the repository. */
export const http1 = (root: string): Target => {
  const tests = fs.readdirSync(path.join(root, TESTS)).filter((file) => about.test(file))
  // Laws take long and notice nearly everything: they come last.
  const isLaw = (file: string) => file.startsWith("laws-")
  return {
    root,
    sources: fs
      .readdirSync(path.join(root, SOURCES), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .sort()
      .map((file) => `${SOURCES}/${file}`),
    reload: [`${SOURCES}/`, "packages/protocol/src/index.ts", `${TESTS}/support/`],
    tests: [...tests.filter((file) => !isLaw(file)), ...tests.filter(isLaw)].map(
      (file) => `${TESTS}/${file}`
    ),
    equivalents
  }
}
