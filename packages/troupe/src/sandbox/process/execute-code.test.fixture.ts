/** Executes code in an engine, with limits that a test may change. */
import type { SandboxEngine, SandboxOutput, SandboxRequest } from '../sandbox-port.ts'

export const executeCode =
  (engine: SandboxEngine) =>
  (language: string, code: string, more: Partial<SandboxRequest> = {}): Promise<SandboxOutput> =>
    engine.run({
      language,
      code,
      files: new Map(),
      timeoutMs: 20_000,
      memoryMb: 128,
      outputBytes: 10_000,
      changedBytes: 1_000_000,
      signal: new AbortController().signal,
      ...more,
    })
