type FieldLine = readonly [name: string, value: string]
/** One request as a reader framed it. */
export interface Framed {
  readonly method: string
  readonly target: string
  readonly minorVersion: number
  readonly fields: ReadonlyArray<FieldLine>
  body: string
  trailers: ReadonlyArray<FieldLine>
  /** Whether its end was seen. */
  complete: boolean
}
/** The requests of one connection, and why reading ended if it did not reach the end. */
export interface Reading {
  readonly messages: ReadonlyArray<Framed>
  /** A reason of nvo's, or a code of Node's. */
  readonly refused: string | undefined
}
/** nvo's reading. It ends in front of what belongs to another protocol. */
export declare const readByNvo: (chunks: ReadonlyArray<Uint8Array>) => Reading
/** Node's server over a connection in memory. It answers everything at once, so that it goes on reading. */
export declare class NodeReader {
  private readonly server
  private messages
  private refused
  private stop
  constructor()
  read(chunks: ReadonlyArray<Uint8Array>): Promise<Reading>
}
/** How two readings of the same octets differ. */
export type Difference =
  /** Both took a message and framed it in different ways: the first part that is not the same. */
  | {
      readonly _tag: "Framing"
      readonly part: string
    }
  /** One of them refused what the other one took. */
  | {
      readonly _tag: "Refusal"
      readonly by: "nvo" | "node"
      readonly reason: string
    }
/** Whether Node's parser leaves HTTP behind this head: a tunnel, or an upgrade that was asked for. */
export declare const handsOn: ({ fields, method }: Framed) => boolean
/** The first difference, message by message; `undefined` where both say the same, or both refuse. */
export declare const difference: (nvo: Reading, node: Reading) => Difference | undefined
//# sourceMappingURL=llhttp.d.ts.map
