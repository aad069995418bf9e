/**
 * The opcodes of RFC 6455 §5.2: which there are, and which of them are control frames (§5.5). All others are
 * reserved.
 */

/** The opcodes, by name. */
export const opcodes = {
  Continuation: 0x0,
  Text: 0x1,
  Binary: 0x2,
  Close: 0x8,
  Ping: 0x9,
  Pong: 0xa
} as const

/** The name of an opcode. */
export type Opcode = keyof typeof opcodes

// One entry for each of the sixteen codes; `undefined` is reserved.
const names: ReadonlyArray<Opcode | undefined> = Array.from({ length: 16 }, (_, code) =>
  (Object.keys(opcodes) as ReadonlyArray<Opcode>).find((name) => opcodes[name] === code)
)

/** The opcode of a number from 0 to 15, `undefined` where it is reserved. */
export const fromCode = (code: number): Opcode | undefined => names[code]

/** Whether frames of this opcode control the connection: short, whole, and between the fragments of a message. */
export const isControl = (opcode: Opcode): boolean => opcodes[opcode] >= 0x8
