/** Asks the models of a chain in order, until one answers. */
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { failure, type TroupeError } from '../core/index.ts'
import { LiveText } from './answers/read-stream.ts'
import { callModel, type ModelCallParts } from './call-model.ts'
import { verdictOf } from './model-failure.ts'
import type { Gates } from './model-gates.ts'
import type { ModelAnswer, ModelCall, ModelSpec } from './models-port.ts'
import { modelNameOf } from './resolve-model.ts'

export interface ChainParts {
  readonly caller: ModelCallParts
  readonly gates: Gates
  readonly modelOf: (spec: ModelSpec, tokensLeft: number | undefined) => Promise<LanguageModelV4>
}

/**
 * Names the failed first model in the answer of a later one.
 * @throws the error of the last model, or the first error after which no other model may be asked
 */
export async function askChain(
  { caller, gates, modelOf }: ChainParts,
  chain: readonly ModelSpec[],
  call: ModelCall,
): Promise<ModelAnswer> {
  const live = call.onPart ? new LiveText(call.onPart) : undefined
  const first = modelNameOf(chain[0] as ModelSpec)
  let reason: TroupeError | undefined
  for (const [i, spec] of chain.entries()) {
    const name = modelNameOf(spec)
    try {
      const model = await modelOf(spec, call.tokensLeft)
      const answer = await callModel(caller, { name, model, gate: gates.of(spec) }, call, live)
      return i === 0 ? answer : { ...answer, fallback: { from: first, to: name, reason: reason?.message ?? '' } }
    } catch (error) {
      if (verdictOf(error, caller.clock.now()).kind === 'stop' || i === chain.length - 1) throw error
      reason = error as TroupeError
    }
  }
  throw failure('invariant.broken', { rule: 'a chain of models has at least one' })
}
