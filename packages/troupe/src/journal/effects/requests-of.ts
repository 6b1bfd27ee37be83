/**
 * The complete requests of a step's effects: its code is executed once more to find them, since the record has only
 * hashes.
 */
import type { Json } from '../../core/index.ts'
import type { Program } from '../machine/step-machine.ts'
import { replayStep } from '../replay/replay-step.ts'
import type { StepsContext } from '../steps/steps-context.ts'
import type { StepSpec } from '../steps-port.ts'

/** Bodies of tools are not executed, so their requests are omitted. */
export async function requestsOf(
  context: StepsContext,
  spec: StepSpec,
  program: Program,
): Promise<ReadonlyMap<string, Json>> {
  const content = await context.journals.load(spec.principal.userId, spec.id)
  if (!content) return new Map()
  const seen = await replayStep(context, spec, content, program, { reexecuteBodies: false })
  const { redact = (text: string) => text } = context
  return new Map(
    [...seen].flatMap(([call, { request }]) =>
      request === undefined ? [] : [[call, JSON.parse(redact(JSON.stringify(request))) as Json] as const],
    ),
  )
}
