/** Tools: their definition and how one call is carried out. */
export { callTool, parseArguments, reachesOutside, type ToolHost } from './call-tool.ts'
export * from './define-tool.ts'
export * from './handler/index.ts'
export { isFailure } from './is-failure.ts'
export { objectSchema } from './object-schema.ts'
export { readDocument, searchDocuments } from './search-documents.ts'
export * from './step-context.ts'
export * from './tool-source.ts'
