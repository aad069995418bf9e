/**
 * What a peer sent, fit for a log line: no octet of it moves a terminal, and none of it is long.
 */
const MAX_DETAIL = 64

/** What a peer sent, fit for a log line: printable, in quotes, and cut, by default at 64 characters. */
export const quote = (text: string, limit: number = MAX_DETAIL): string => {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text
  return JSON.stringify(cut).replace(/[\u007f-\uffff]/g, (c) => {
    if (c === "…") return c
    const code = c.charCodeAt(0).toString(16)
    return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`
  })
}

/** An octet, fit for a log line: `0x0a` or `0x41 "A"`. */
export const quoteOctet = (octet: number): string => {
  const hex = `0x${octet.toString(16).padStart(2, "0")}`
  return octet > 0x20 && octet < 0x7f ? `${hex} "${String.fromCharCode(octet)}"` : hex
}
