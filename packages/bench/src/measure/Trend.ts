/** Whether what should be flat rises. */
import { median } from "./Stats.ts"

/** The middle of the last third over the middle of the first: 1 is flat. One odd sample moves neither. */
export const growth = (values: ReadonlyArray<number>): number => {
  const third = Math.ceil(values.length / 3)
  return median(values.slice(-third)) / median(values.slice(0, third))
}
