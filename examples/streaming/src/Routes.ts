import { Layer } from "effect"
import { Count } from "./Count.ts"
import { Download } from "./Download.ts"
import { Ticks } from "./Ticks.ts"

export const Routes = Layer.mergeAll(Ticks, Count, Download)
