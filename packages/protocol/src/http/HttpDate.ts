/**
 * IMF-fixdate, RFC 9110 §5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
 *
 * The format is that of `Date.prototype.toUTCString`, fixed by ECMA-262.
 */
export const format = (epochMillis: number): string => new Date(epochMillis).toUTCString()
