/**
 * RFC 7541 Appendix C, byte for byte and in both directions: what a block decodes to, what it is encoded as, and
 * what the table holds behind it.
 */
import { assert, describe, it } from "@effect/vitest"
import { HpackDecoder } from "@nvo/protocol/http2/hpack/HpackDecoder"
import * as HpackEncoder from "@nvo/protocol/http2/hpack/HpackEncoder"
import { fromHex, toHex } from "./support/hex.ts"

interface Block {
  readonly hex: string
  /** Field lines as `name: value`. */
  readonly fields: ReadonlyArray<string>
  /** The table behind the block, the newest first. */
  readonly table: ReadonlyArray<string>
  readonly size: number
}

interface Example {
  readonly name: string
  readonly huffman: boolean
  readonly tableBytes: number
  readonly indexing?: HpackEncoder.Indexing
  readonly blocks: ReadonlyArray<Block>
}

const limits = { listBytes: 16_384, fieldCount: 100 }

const line = ({ name, value }: { readonly name: string; readonly value: string }) => `${name}: ${value}`

const parse = (text: string, indexing: HpackEncoder.Indexing): HpackEncoder.Input => {
  const at = text.indexOf(": ", 1)
  return { name: text.slice(0, at), value: text.slice(at + 2), indexing }
}

const requests: ReadonlyArray<Omit<Block, "hex">> = [
  {
    fields: [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
    table: [":authority: www.example.com"],
    size: 57
  },
  {
    fields: [
      ":method: GET",
      ":scheme: http",
      ":path: /",
      ":authority: www.example.com",
      "cache-control: no-cache"
    ],
    table: ["cache-control: no-cache", ":authority: www.example.com"],
    size: 110
  },
  {
    fields: [
      ":method: GET",
      ":scheme: https",
      ":path: /index.html",
      ":authority: www.example.com",
      "custom-key: custom-value"
    ],
    table: ["custom-key: custom-value", "cache-control: no-cache", ":authority: www.example.com"],
    size: 164
  }
]

const cookie = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"

const responses: ReadonlyArray<Omit<Block, "hex">> = [
  {
    fields: [
      ":status: 302",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "location: https://www.example.com"
    ],
    table: [
      "location: https://www.example.com",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "cache-control: private",
      ":status: 302"
    ],
    size: 222
  },
  {
    fields: [
      ":status: 307",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "location: https://www.example.com"
    ],
    table: [
      ":status: 307",
      "location: https://www.example.com",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "cache-control: private"
    ],
    size: 222
  },
  {
    fields: [
      ":status: 200",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:22 GMT",
      "location: https://www.example.com",
      "content-encoding: gzip",
      `set-cookie: ${cookie}`
    ],
    table: [`set-cookie: ${cookie}`, "content-encoding: gzip", "date: Mon, 21 Oct 2013 20:13:22 GMT"],
    size: 215
  }
]

const withHex = (blocks: ReadonlyArray<Omit<Block, "hex">>, ...hex: ReadonlyArray<string>) =>
  blocks.map((block, i) => ({ ...block, hex: hex[i] }))

const examples: ReadonlyArray<Example> = [
  {
    name: "C.2.1 literal field with indexing",
    huffman: false,
    tableBytes: 4096,
    blocks: [
      {
        hex: "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
        fields: ["custom-key: custom-header"],
        table: ["custom-key: custom-header"],
        size: 55
      }
    ]
  },
  {
    name: "C.2.2 literal field without indexing",
    huffman: false,
    tableBytes: 4096,
    indexing: "NotIndexed",
    blocks: [
      {
        hex: "040c 2f73 616d 706c 652f 7061 7468",
        fields: [":path: /sample/path"],
        table: [],
        size: 0
      }
    ]
  },
  {
    name: "C.2.3 literal field never indexed",
    huffman: false,
    tableBytes: 4096,
    indexing: "NeverIndexed",
    blocks: [
      { hex: "1008 7061 7373 776f 7264 0673 6563 7265 74", fields: ["password: secret"], table: [], size: 0 }
    ]
  },
  {
    name: "C.2.4 indexed field",
    huffman: false,
    tableBytes: 4096,
    blocks: [{ hex: "82", fields: [":method: GET"], table: [], size: 0 }]
  },
  {
    name: "C.3 requests without Huffman coding",
    huffman: false,
    tableBytes: 4096,
    blocks: withHex(
      requests,
      "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "8286 84be 5808 6e6f 2d63 6163 6865",
      "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65"
    )
  },
  {
    name: "C.4 requests with Huffman coding",
    huffman: true,
    tableBytes: 4096,
    blocks: withHex(
      requests,
      "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
      "8286 84be 5886 a8eb 1064 9cbf",
      "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"
    )
  },
  {
    name: "C.5 responses without Huffman coding",
    huffman: false,
    tableBytes: 256,
    blocks: withHex(
      responses,
      `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120
       474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
      "4803 3330 37c1 c0bf",
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738
       666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33
       3630 303b 2076 6572 7369 6f6e 3d31`
    )
  },
  {
    name: "C.6 responses with Huffman coding",
    huffman: true,
    tableBytes: 256,
    blocks: withHex(
      responses,
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718
       63c7 8f0b 97c8 e9ae 82ae 43d3`,
      "4883 640e ffc1 c0bf",
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7
       b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`
    )
  }
]

describe("RFC 7541 Appendix C", () => {
  for (const { blocks, huffman, indexing, name, tableBytes } of examples) {
    it(`${name}: decoded`, () => {
      const decoder = new HpackDecoder(tableBytes)
      for (const block of blocks) {
        const { fields, refusal, tooLarge } = decoder.decode(fromHex(block.hex), limits)
        assert.isUndefined(refusal)
        assert.isFalse(tooLarge)
        assert.deepStrictEqual(fields.map(line), block.fields)
        assert.deepStrictEqual(decoder.entries.map(line), block.table)
        assert.strictEqual(decoder.tableSize, block.size)
      }
    })

    it(`${name}: encoded`, () => {
      const encoder = new HpackEncoder.HpackEncoder({ huffman, tableBytes })
      // The examples use a table of 256 octets from the start: its announcement is not part of them.
      if (tableBytes < 4096) assert.strictEqual(toHex(encoder.encode([])), "3fe101")
      for (const block of blocks) {
        const octets = encoder.encode(block.fields.map((text) => parse(text, indexing ?? "Indexed")))
        assert.strictEqual(toHex(octets), block.hex.replace(/\s+/g, ""))
        assert.deepStrictEqual(encoder.entries.map(line), block.table)
        assert.strictEqual(encoder.tableSize, block.size)
      }
    })
  }

  // The examples' integers, in the 5 bits of a table size update: the one place where they are by themselves.
  for (const [name, size, hex] of [
    ["C.1.1", 10, "2a"],
    ["C.1.2", 1337, "3f9a0a"]
  ] as const) {
    it(`${name} the integer ${size} in a prefix of five bits: both ways`, () => {
      const decoder = new HpackDecoder()
      assert.isUndefined(decoder.decode(fromHex(`${hex}82`), limits).refusal)
      const encoder = new HpackEncoder.HpackEncoder()
      encoder.setPeerTableBytes(size)
      assert.strictEqual(toHex(encoder.encode([{ name: ":method", value: "GET" }])), `${hex}82`)
    })
  }
})
