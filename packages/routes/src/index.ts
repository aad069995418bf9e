export * as Routes from "./Routes.ts"
