/** Permissive licences: their code may be used and passed on under MIT, given their notices. */
const permissive = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  "Python-2.0",
  "Unlicense",
  "Zlib"
])

/**
 * Reads an SPDX expression: of alternatives one has to be permissive, of conjunctions all. What cannot be read,
 * such as "Unknown" or "SEE LICENSE IN …", is not compatible.
 */
export const isCompatible = (expression: string): boolean => {
  // Parentheses from the inside out: each is replaced by what it comes to.
  const [group, inside] = expression.match(/\(([^()]*)\)/) ?? []
  if (group !== undefined && inside !== undefined) {
    return isCompatible(expression.replace(group, isCompatible(inside) ? "MIT" : "refused"))
  }
  return expression
    .split(" OR ")
    .some((alternative) => alternative.split(" AND ").every((licence) => permissive.has(licence.trim())))
}
