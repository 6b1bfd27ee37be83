/** The sandbox: code and files of agents. */
export { createSandboxes, readSandboxConfig, type SandboxConfig, type Sandboxes } from './create-sandboxes.ts'
export { deferredSandbox } from './deferred-sandbox.ts'
export { runWorkspace, type StoredFiles, type StoredFileVersion, threadWorkspace } from './files/stored-files.ts'
export { type ProcessSandboxOptions, processSandbox } from './process/process-sandbox.ts'
export { type QuickJsSandboxOptions, quickJsSandbox } from './quickjs/quickjs-sandbox.ts'
export * from './sandbox-port.ts'
export { sandboxMigrations, sandboxTables } from './sandbox-tables.ts'
export type { EffectCaller } from './step-sandbox.ts'
