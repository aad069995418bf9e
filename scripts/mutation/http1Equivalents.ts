import type { Equivalent } from "./run.ts"
export const equivalents: ReadonlyArray<Equivalent> = []
