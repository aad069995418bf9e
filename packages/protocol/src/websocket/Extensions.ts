/**
 * The grammar of `Sec-WebSocket-Extensions`, RFC 6455 §9.1: a list of extensions, each with parameters.
 */
import * as Grammar from "../http/Grammar.ts"

/** One extension. A parameter without a value has `undefined`. */
export interface Extension {
  readonly name: string
  readonly parameters: ReadonlyArray<readonly [name: string, value: string | undefined]>
}

const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const quoted = '"(?:[\\t !#-\\[\\]-~]|\\\\[\\t -~])*"'
const parameter = new RegExp(`[ \\t]*;[ \\t]*(${token})(?:[ \\t]*=[ \\t]*(${token}|${quoted}))?`, "y")
const name = new RegExp(`[ \\t]*(${token})`, "y")
const separator = /[ \t]*(?:,|$)/y

const unquote = (value: string | undefined): string | undefined =>
  value?.startsWith('"') === true ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value

/** The extensions of all the field's lines, in order, or `undefined` where one is outside the grammar. */
export const parse = (lines: ReadonlyArray<string>): ReadonlyArray<Extension> | undefined => {
  const extensions: Array<Extension> = []
  for (const line of lines) {
    let at = 0
    const take = (pattern: RegExp): RegExpExecArray | null => {
      pattern.lastIndex = at
      const found = pattern.exec(line)
      if (found !== null) at = pattern.lastIndex
      return found
    }
    while (at < line.length) {
      // RFC 9110 §5.6.1.2: empty elements of a list are passed over.
      const extension = take(name)
      if (extension !== null) {
        const parameters: Array<readonly [string, string | undefined]> = []
        for (let found = take(parameter); found !== null; found = take(parameter)) {
          const value = unquote(found[2])
          // RFC 6455 §9.1: a quoted value has to be a token when it is unquoted.
          if (value !== undefined && !Grammar.isToken(value)) return undefined
          parameters.push([found[1], value])
        }
        extensions.push({ name: extension[1], parameters })
      }
      if (take(separator) === null) return undefined
    }
  }
  return extensions
}

/** The extensions as the value of one field line. */
export const format = (extensions: ReadonlyArray<Extension>): string =>
  extensions
    .map(({ name, parameters }) =>
      [name, ...parameters.map(([key, value]) => (value === undefined ? key : `${key}=${value}`))].join("; ")
    )
    .join(", ")
