/** Asks the models of a chain in order, until one answers. */
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { failure, type TroupeError } from '../core/index.ts'
import { LiveText } from './answers/read-stream.ts'
import { callModel, type ModelCallParts } from './call-model.ts'
import { verdictOf } from './model-failure.ts'
import type { Gates } from './model-gates.ts'
import type { ModelAnswer, ModelCall, ModelDefaults, ModelSpec, ModelTarget } from './models-port.ts'
import { modelNameOf, withoutSettings } from './resolve-model.ts'
import { mergeSettings } from './settings/call-settings.ts'
import { checkFiles } from './settings/check-files.ts'
import { checkTakes, providerKindOf } from './settings/provider-settings.ts'

export interface ChainParts {
  readonly caller: ModelCallParts
  readonly gates: Gates
  readonly modelOf: (target: ModelTarget, tokensLeft: number | undefined) => Promise<LanguageModelV4>
  readonly defaults: ModelDefaults
}

/**
 * Names the failed first model in the answer of a later one.
 * @throws the error of the last model, or the first error after which no other model may be asked
 */
export async function askChain(
  { caller, gates, modelOf, defaults }: ChainParts,
  chain: readonly ModelSpec[],
  call: ModelCall,
): Promise<ModelAnswer> {
  const live = call.onPart ? new LiveText(call.onPart) : undefined
  const first = modelNameOf(chain[0] as ModelSpec)
  let reason: TroupeError | undefined
  const candidates = chain.map((spec) => candidateOf(spec, defaults, call))
  for (const [i, { name, target, asked }] of candidates.entries()) {
    try {
      const model = await modelOf(target, call.tokensLeft)
      const answer = await callModel(caller, { name, model, gate: gates.of(target) }, asked, live)
      return i === 0 ? answer : { ...answer, fallback: { from: first, to: name, reason: reason?.message ?? '' } }
    } catch (error) {
      if (verdictOf(error, caller.platform.clock.now()).kind === 'stop' || i === chain.length - 1) throw error
      reason = error as TroupeError
    }
  }
  throw failure('invariant.broken', { rule: 'a chain of models has at least one' })
}

/** @throws ValidationError `model.setting`, `model.content`; before any model of the chain is asked */
function candidateOf(spec: ModelSpec, defaults: ModelDefaults, call: ModelCall) {
  const { target, settings } = withoutSettings(spec)
  const name = modelNameOf(target)
  const asked = mergeSettings(mergeSettings(defaults, settings ?? {}), call)
  const kind = providerKindOf(target)
  checkTakes(name, kind, asked, target)
  checkFiles(name, kind, asked)
  return { name, target, asked }
}
