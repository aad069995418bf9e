/** How a client leaves in the middle, or ends badly: the same for all that is spoken. */
export type Breaking =
  /** Resets the connection when it has sent so many octets. */
  | { readonly _tag: "ResetAt"; readonly octets: number }
  /** Ends its side when it has sent so many octets, in the middle of a message perhaps. */
  | { readonly _tag: "EndAt"; readonly octets: number }
  /** Sends so many octets and then nothing more. */
  | { readonly _tag: "StopAt"; readonly octets: number }
  /** Sends something that has to be refused: the place in the table. */
  | { readonly _tag: "Malformed"; readonly which: number }
