/** The input of the QuickJS engine's thread. */
import type { FileContent } from '../sandbox-port.ts'

export interface QuickJsRequest {
  readonly language: string
  readonly code: string
  readonly files: ReadonlyMap<string, FileContent>
  readonly timeoutMs: number
  readonly memoryMb: number
  readonly outputBytes: number
  readonly changedBytes: number
}
