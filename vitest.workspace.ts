import { defineConfig } from "vitest/config"

const project = (root: string) => ({
  extends: true as const,
  test: { name: root, root, include: ["test/**/*.test.ts"] }
})

// Where .ci/run reads the counts from.
const report = process.env.NVO_TEST_REPORT

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]],
    projects: [
      "packages/protocol",
      "packages/server",
      "packages/testing",
      "packages/node",
      "packages/routes",
      "packages/bench",
      "examples/todo",
      "examples/hello",
      "examples/streaming",
      "scripts"
    ].map(project)
  }
})
