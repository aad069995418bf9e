/** Bar charts as SVG, without a library: a bar for each server, with its spread. */

export interface Bar {
  readonly label: string
  /** Parts of the bar, drawn one behind the other. */
  readonly parts: ReadonlyArray<number>
  readonly text: string
  /** The lowest and highest round. */
  readonly from: number
  readonly to: number
  readonly marked: boolean
}

const WIDTH = 760
const LEFT = 190
const RIGHT = 130
const ROW = 26
const TOP = 44

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

// Legible on a white page and on a dark one.
const style = `<style>text{font:13px system-ui,sans-serif;fill:#59636e}.t{font-weight:600}.n{fill:#0969da}
.a{fill:#8c959f}.b{fill:#8c959f;opacity:.55}.n .a{fill:#0969da}.n .b{fill:#0969da;opacity:.55}
.s{stroke:#59636e;stroke-width:1.5}</style>`

/** A chart whose bars begin at nought. `legend` names the parts. */
export const bars = (title: string, legend: ReadonlyArray<string>, rows: ReadonlyArray<Bar>): string => {
  const most = Math.max(...rows.map((row) => Math.max(row.to, sum(row.parts))))
  const scale = (value: number) => ((WIDTH - LEFT - RIGHT) * value) / most
  const height = TOP + rows.length * ROW + 10
  const drawn = rows.flatMap((row, index) => {
    const y = TOP + index * ROW
    let x = LEFT
    const parts = row.parts.map((part, at) => {
      const width = scale(part)
      const rect = `<rect class="${at === 0 ? "a" : "b"}" x="${x.toFixed(1)}" y="${y + 3}" width="${width.toFixed(1)}" height="${ROW - 8}"/>`
      x += width
      return rect
    })
    const from = LEFT + scale(row.from)
    const to = LEFT + scale(row.to)
    return [
      `<g class="${row.marked ? "n" : ""}">`,
      `<text x="${LEFT - 8}" y="${y + 17}" text-anchor="end"${row.marked ? ' class="t"' : ""}>${escape(row.label)}</text>`,
      ...parts,
      `<path class="s" d="M${from.toFixed(1)} ${y + 12}H${to.toFixed(1)}"/>`,
      `<text x="${(Math.max(x, to) + 8).toFixed(1)}" y="${y + 17}">${escape(row.text)}</text>`,
      "</g>"
    ]
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    style,
    `<text class="t" x="8" y="20">${escape(title)}</text>`,
    `<text x="8" y="37">${escape(legend.join(", "))}</text>`,
    ...drawn,
    "</svg>",
    ""
  ].join("\n")
}

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)
