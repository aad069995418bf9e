import { defineConfig } from "vitest/config"

const project = (root: string) => ({
  extends: true as const,
  test: { name: root, root, include: ["test/**/*.test.ts"] }
})

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      "packages/protocol",
      "packages/server",
      "packages/testing",
      "packages/node",
      "packages/bench",
      "examples/todo",
      "examples/hello",
      "examples/streaming"
    ].map(project)
  }
})
