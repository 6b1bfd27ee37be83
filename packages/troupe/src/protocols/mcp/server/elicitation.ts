/** Asks the questions of a run at the client. The answers count as answers of the holder of the API key. */
import type { InputRequest, InputRequiredResult, ServerContext } from '@modelcontextprotocol/server'
import type { Json } from '../../../core/index.ts'
import type { Run, RunQuestion, RunResult } from '../../../runs/index.ts'
import { escapeTerminal } from '../../../security/index.ts'
import type { ServerSdk } from './server-sdk.ts'

/** Returns the form for a question; undefined for a breakpoint, which no form can answer. */
function fieldOf({ kind, options }: RunQuestion) {
  if (kind === 'choice' && options) return { type: 'string' as const, enum: [...options] }
  if (kind === 'error') return { type: 'string' as const, enum: ['retry', 'skip', 'abort'] }
  if (kind === 'confirmation' || kind === 'approval') return { type: 'boolean' as const }
  if (kind === 'breakpoint') return undefined
  return { type: 'string' as const }
}

/** @returns undefined if the run asks nothing that a form can answer */
export function askFor(sdk: ServerSdk, run: string, { status, questions }: RunResult): InputRequiredResult | undefined {
  if (status !== 'waiting') return undefined
  const asked: Record<string, InputRequest> = {}
  for (const question of questions) {
    const value = fieldOf(question)
    if (!value) continue
    const requestedSchema = { type: 'object' as const, properties: { value }, required: ['value'] }
    asked[question.id] = sdk.inputRequired.elicit({
      mode: 'form',
      message: escapeTerminal(question.text),
      requestedSchema,
    })
  }
  // The state needs no signature: it is the id of a run, which is looked up only among the runs of the caller.
  return Object.keys(asked).length > 0 ? sdk.inputRequired({ inputRequests: asked, requestState: run }) : undefined
}

/**
 * @param mayApprove whether this client may give the approval
 * @returns false if no answer was given
 */
export async function elicitAnswers(
  sdk: ServerSdk,
  ctx: ServerContext,
  run: Run,
  mayApprove: (question: string) => Promise<boolean>,
): Promise<boolean> {
  const { questions } = await run.result({ signal: ctx.mcpReq.signal })
  let any = false
  for (const question of questions) {
    const content = sdk.acceptedContent(ctx.mcpReq.inputResponses, question.id) as { readonly value?: Json } | undefined
    if (content?.value === undefined) continue
    if (question.kind === 'approval' && !(await mayApprove(question.id))) continue
    any = true
    const { hash } = question
    const isApproval = question.kind === 'approval' && hash !== undefined
    await run.answer(question.id, isApproval ? { approve: content.value === true, hash } : content.value)
  }
  return any
}
