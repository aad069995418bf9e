/**
 * Effect's `HttpApiBuilder` with the `group` of this package: for programs that change the import and nothing else.
 *
 * @example
 * ```ts
 * // import { HttpApiBuilder } from "effect/http-api"
 * import { HttpApiBuilder } from "@nvo/routes"
 *
 * export const { group, layer } = HttpApiBuilder
 * ```
 */
export * from "effect/http-api/HttpApiBuilder"
export { group } from "./Routes.ts"
