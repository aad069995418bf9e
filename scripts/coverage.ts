// Prints the coverage of the packages that are held to it, and fails when one is not above the floor.
// node scripts/coverage.ts <vitest's json-summary report>
import * as fs from "node:fs"
import { report } from "./lib/coverage.ts"

const [file = ""] = process.argv.slice(2)
const { failures, lines } = report(fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : {})
for (const line of lines) console.log(line)
for (const failure of failures) console.error(failure)
process.exitCode = failures.length === 0 ? 0 : 1
