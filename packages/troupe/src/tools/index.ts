/** Tools: their definition and the execution of calls. */

export { callTool, parseArguments, reachesOutside, type ToolHost } from './call-tool.ts'
export * from './define-tool.ts'
export {
  type Browser,
  type BrowserAction,
  type BrowserPage,
  browserTools,
  type Computer,
  type ComputerAction,
  computerTools,
  type DeviceCall,
} from './device-tools.ts'
export * from './handler/index.ts'
export { isFailure } from './is-failure.ts'
export * from './needs-approval.ts'
export { objectSchema } from './object-schema.ts'
export { sandboxTools, workspaceTools } from './sandbox-tools.ts'
export { readDocument, searchDocuments } from './search-documents.ts'
export * from './step-context.ts'
export * from './tool-source.ts'
export { readModelCalls } from './with-model-calls.ts'
