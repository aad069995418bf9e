// Writes the parts of the documentation that are made from the code: `npm run docs`. With `--check` it writes
// nothing, and fails where they are not up to date. `--root` names another folder than this repository.
import * as fs from "node:fs"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { outdated } from "./lib/reference.ts"
import { root } from "./lib/workspace.ts"

const { values } = parseArgs({
  options: { check: { type: "boolean", default: false }, root: { type: "string", default: root } }
})

for (const { path: file, text } of outdated(values.root)) {
  if (values.check) {
    console.error(`${file} is not up to date: npm run docs`)
    process.exitCode = 1
    continue
  }
  const target = path.join(values.root, file)
  fs.mkdirSync(path.dirname(target), { recursive: true })
  fs.writeFileSync(target, text)
  console.log(`wrote ${file}`)
}
