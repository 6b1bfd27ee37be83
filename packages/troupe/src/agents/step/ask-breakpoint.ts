/** A breakpoint before the call of a tool: somebody looks at it, and lets it happen or gives its result. */
import type { Json } from '../../core/index.ts'
import { reviewableText } from '../../security/index.ts'
import type { LlmRun } from '../model/llm-run.ts'

/** What the model is told in place of the call. */
export type Edited = {
  readonly result: Json
}

/** @returns undefined where the call is to be made */
export async function askBreakpoint(
  { entry, definition }: LlmRun,
  tool: string,
  args: Json,
): Promise<Edited | undefined> {
  const text = `Breakpoint: ${definition.name} is about to call ${tool} with ${reviewableText(args)}.`
  const answer = await entry.ctx.ask({ kind: 'breakpoint', text, tool, args })
  return answer === true ? undefined : (answer as Edited)
}
