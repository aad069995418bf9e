/** Frames that fail a WebSocket, and the code that is due for each: RFC 6455. They are masked with zeros. */

interface Malformed {
  readonly what: string
  readonly code: number
  readonly octets: ReadonlyArray<number>
}

const MASK = [0, 0, 0, 0]

const table: ReadonlyArray<Malformed> = [
  { what: "a frame without a mask (§5.1)", code: 1_002, octets: [0x81, 0x01, 0x61] },
  { what: "a reserved opcode (§5.2)", code: 1_002, octets: [0x83, 0x80, ...MASK] },
  { what: "a reserved bit (§5.2)", code: 1_002, octets: [0xa1, 0x80, ...MASK] },
  { what: "a longer length than it takes (§5.2)", code: 1_002, octets: [0x82, 0xfe, 0, 1, ...MASK, 0] },
  { what: "a Ping in fragments (§5.5)", code: 1_002, octets: [0x09, 0x80, ...MASK] },
  { what: "a Ping of 126 octets (§5.5)", code: 1_002, octets: [0x89, 0xfe, 0, 126, ...MASK] },
  { what: "the rest of no message (§5.4)", code: 1_002, octets: [0x80, 0x80, ...MASK] },
  {
    what: "a message within a message (§5.4)",
    code: 1_002,
    octets: [0x01, 0x80, ...MASK, 0x81, 0x80, ...MASK]
  },
  { what: "a Close frame of one octet (§5.5.1)", code: 1_002, octets: [0x88, 0x81, ...MASK, 3] },
  { what: "a Close frame with 1006 (§7.4.1)", code: 1_002, octets: [0x88, 0x82, ...MASK, 0x03, 0xee] },
  { what: "a text that is no UTF-8 (§8.1)", code: 1_007, octets: [0x81, 0x81, ...MASK, 0xff] },
  {
    what: "a frame of two mebibytes (§7.4.1)",
    code: 1_009,
    octets: [0x82, 0xff, 0, 0, 0, 0, 0, 0x20, 0, 0, ...MASK]
  }
]

export const malformedOf = (which: number): Malformed => table[which % table.length]
