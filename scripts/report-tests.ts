// Prints `N passed, N failed` for a finished test run, and fails when there is a failure.
// node scripts/report-tests.ts <vitest's JSON report> <exit code of the run>
import * as fs from "node:fs"
import { count } from "./lib/results.ts"

const [file = "", exitCode = "1"] = process.argv.slice(2)
const { failed, passed } = count(
  fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : undefined,
  Number(exitCode)
)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
