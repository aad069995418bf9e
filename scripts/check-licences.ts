// Lists the licences of everything that the packages, examples and benchmarks bring along, and fails on one that
// cannot be used in an MIT project. `npm run check:licences`
import { isCompatible } from "./lib/licences.ts"
import { pnpm, root } from "./lib/workspace.ts"

interface Dependency {
  readonly name: string
  readonly versions: ReadonlyArray<string>
}

const listed = await pnpm(["--recursive", "licenses", "list", "--prod", "--json"], root)
if (listed.code !== 0) {
  console.error(`pnpm could not list the licences\n${listed.stdout}${listed.stderr}`)
  process.exit(1)
}

const licences: Record<string, ReadonlyArray<Dependency>> = JSON.parse(listed.stdout)
const refused = Object.keys(licences).filter((licence) => !isCompatible(licence))
for (const [licence, dependencies] of Object.entries(licences)) {
  const names = dependencies.map(({ name, versions }) => `${name} ${versions.join(", ")}`)
  console.log(`${refused.includes(licence) ? "✗" : "✓"} ${licence}: ${names.join(", ")}`)
}
if (refused.length > 0) {
  console.error(`not compatible with MIT: ${refused.join(", ")}`)
  process.exitCode = 1
}
