/** The input of the QuickJS engine's thread. */
import type { SandboxRequest } from '../sandbox-port.ts'

export type QuickJsRequest = Omit<SandboxRequest, 'signal'>
