/**
 * What tests of HTTP share: generators on fast-check, and the contract of transports.
 */
export * as Bytes from "./Bytes.ts"
export * as Characters from "./Characters.ts"
export * as ChunkedModel from "./ChunkedModel.ts"
export * as FaultPlan from "./FaultPlan.ts"
export * as FieldLine from "./FieldLine.ts"
export * as HostGenerator from "./HostGenerator.ts"
export * as HpackGenerator from "./HpackGenerator.ts"
export * as HttpLike from "./HttpLike.ts"
export * as Mutation from "./Mutation.ts"
export * as RequestGenerator from "./RequestGenerator.ts"
export * as RequestModel from "./RequestModel.ts"
export * as ResponseGenerator from "./ResponseGenerator.ts"
export * as SimulatedNetwork from "./SimulatedNetwork.ts"
export * as SimulatedTime from "./SimulatedTime.ts"
export * as TargetGenerator from "./TargetGenerator.ts"
export * as TransportContract from "./TransportContract.ts"
