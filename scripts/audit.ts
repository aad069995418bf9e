// Asks the registry for known vulnerabilities of every dependency, development included. `npm run audit`
// Fails on any finding. A registry that does not answer the question is no finding: that is said aloud instead.
import { pnpm, root } from "./lib/workspace.ts"

const { code, stdout, stderr } = await pnpm(["audit", ...process.argv.slice(2)], root)
const output = `${stdout}${stderr}`.trim()
if (code !== 0 && output.includes("Error: ERR_PNPM_AUDIT_BAD_RESPONSE")) {
  console.log(`NOT AUDITED: the registry did not answer.\n${output}`)
} else {
  console.log(output)
  process.exitCode = code
}
