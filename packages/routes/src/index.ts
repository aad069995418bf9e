export * as HttpApiBuilder from "./HttpApiBuilder.ts"
export * as Routes from "./Routes.ts"
export * as SmallApp from "./SmallApp.ts"
