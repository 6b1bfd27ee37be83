/** Questions of a run, put to the person at the client. What comes back is the answer of whoever holds the key. */
import type { InputRequest, InputRequiredResult, ServerContext } from '@modelcontextprotocol/server'
import type { Json } from '../../../core/index.ts'
import type { Run, RunQuestion, RunResult } from '../../../runs/index.ts'
import { escapeTerminal } from '../../../security/index.ts'
import type { ServerSdk } from './server-sdk.ts'

/** The form that a person fills in; undefined for what is no matter of a form. */
function fieldOf({ kind, options }: RunQuestion) {
  if (kind === 'choice' && options) return { type: 'string' as const, enum: [...options] }
  if (kind === 'error') return { type: 'string' as const, enum: ['retry', 'skip', 'abort'] }
  if (kind === 'confirmation' || kind === 'approval') return { type: 'boolean' as const }
  if (kind === 'breakpoint') return undefined
  return { type: 'string' as const }
}

/** @returns undefined where the run asks nothing that a form could answer */
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
  // The state is no secret and needs no seal: it names a run, which is looked for among the caller's own.
  return Object.keys(asked).length > 0 ? sdk.inputRequired({ inputRequests: asked, requestState: run }) : undefined
}

/**
 * @param mayApprove whether this client may give the approval
 * @returns false where the person gave no answer
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
