/** Approvals: a person agrees to one call with its exact arguments, once. */
import { hashJson, type Json } from '../core/index.ts'
import type { Tool } from '../tools/index.ts'
import type { LlmRun } from './llm-run.ts'

export interface Approval {
  readonly approve: boolean
  readonly hash: string
  readonly reason?: string
}

/** What an approval is bound to. */
export const approvalHash = (tool: string, args: Json): string => hashJson([tool, args])
export const agreed = (approval: Approval): boolean => approval.approve === true

/** Where untrusted input meets sensitive data, a change outside needs a person, whatever the tool says. */
export async function needsApproval({ entry }: LlmRun, tool: Tool, input: unknown): Promise<boolean> {
  const taint = entry.recorder.taint
  const joined =
    taint.some((label) => label.startsWith('untrusted:')) && taint.some((label) => label.startsWith('sensitive:'))
  if (joined && tool.effect !== 'read') return true
  return typeof tool.needsApproval === 'function' ? Boolean(await tool.needsApproval(input)) : tool.needsApproval
}

/** An answer that is bound to other arguments approves nothing; whoever takes answers refuses it earlier. */
export async function askApproval({ entry, definition }: LlmRun, tool: Tool, args: Json): Promise<Approval> {
  const hash = approvalHash(tool.name, args)
  const text = `May ${definition.name} call ${tool.name} with ${JSON.stringify(args).slice(0, 500)}?`
  const given = await entry.ctx.ask({ kind: 'approval', text, tool: tool.name, args, hash })
  const answer = given as unknown as Partial<Approval> | null
  if (answer?.approve === true && answer.hash === hash) return { approve: true, hash }
  const reason = answer?.approve === true ? 'the approval was for other arguments' : answer?.reason
  return { approve: false, hash, ...(typeof reason === 'string' ? { reason } : {}) }
}
