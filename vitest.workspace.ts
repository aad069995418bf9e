import { defineConfig } from "vitest/config"

const project = (root: string) => ({
  extends: true as const,
  test: { name: root, root, include: ["test/**/*.test.ts"] }
})

// The tests of HTTP over sockets once more, with the poller's transport under them; not those of TLS.
const overPoll = {
  extends: true as const,
  test: {
    name: "packages/node over poll",
    root: "packages/node",
    include: ["behaviour", "cleanup", "differential", "refusals", "peer-curl", "peer-load"].map(
      (part) => `test/${part}*.test.ts`
    ),
    // Those of TLS, and those that run over a poller wherever they run.
    exclude: [
      "tls",
      "abort",
      "connection-life",
      "interim-and-trailers",
      "late-readers",
      "middleware",
      "multipart",
      "request-body",
      "shutdown",
      "static-files",
      "streams",
      "typed-apis"
    ].map((part) => `test/behaviour-${part}.test.ts`),
    env: { NVO_TEST_TRANSPORT: "poll" }
  }
}

// Where .ci/run reads the counts from.
const report = process.env.NVO_TEST_REPORT

// Where scripts/coverage.ts reads from what the tests pass. All projects count: most of the engine is tested through
// real sockets. Patterns are relative to the root of each project where projects are named, and to this folder where not.
const coverage = process.env.NVO_COVERAGE

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]],
    ...(coverage !== undefined && {
      coverage: {
        enabled: true,
        provider: "v8",
        include: ["src/**", "packages/*/src/**"],
        reporter: ["json-summary", "html"],
        reportsDirectory: coverage,
        reportOnFailure: true
      }
    }),
    projects: [
      ...[
        "packages/protocol",
        "packages/server",
        "packages/testing",
        "packages/node",
        "packages/routes",
        "packages/bench",
        "examples/todo",
        "examples/hello",
        "examples/streaming",
        "examples/observability",
        "examples/chat",
        "scripts"
      ].map(project),
      overPoll
    ]
  }
})
