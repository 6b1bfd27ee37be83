/** Resolves the names that a configuration gives to models and chains. Names must not form a cycle. */
import { failure, invalidInput, nearest } from '../core/index.ts'
import type { EmbeddingSpec, ModelSpec, RerankingSpec } from './models-port.ts'
import { providers } from './providers.ts'
import { withoutSettings } from './resolve-model.ts'
import { type CallSettings, mergeSettings, problemOfSettings } from './settings/call-settings.ts'

/** `{ fast: 'openai/gpt-5-mini', careful: ['anthropic/claude-opus-4-5', 'openai/gpt-5'], default: 'fast' }` */
export type ModelRegistry = Readonly<Record<string, ModelSpec | readonly ModelSpec[]>>

/**
 * @param fallback the model of the environment, used if the registry has no `default`
 * @throws ValidationError for a name with a slash, an empty chain, or a cycle of names
 */
export function createRegistry(registry: ModelRegistry, fallback: string | undefined) {
  const wrong = (name: string, problem: string) => invalidInput(`The model ${name} of the registry`, problem)
  const expandOne = (spec: ModelSpec, within: readonly string[]): readonly ModelSpec[] => {
    if (typeof spec !== 'string') {
      const { target, settings } = withoutSettings(spec)
      const problem = settings && problemOfSettings(settings)
      if (problem !== undefined) throw invalidInput('The settings of a model', problem)
      if (typeof target !== 'string' || target.includes('/')) return [spec]
      return expandOne(target, within).map((one) => withMore(one, settings ?? {}))
    }
    if (spec.includes('/')) return [spec]
    if (within.includes(spec)) throw wrong(spec, 'it refers to itself')
    const found = Object.hasOwn(registry, spec) ? registry[spec] : undefined
    if (found !== undefined) return asList(found).flatMap((one) => expandOne(one, [...within, spec]))
    const names = Object.keys(registry)
    const near = nearest(spec, names)
    const problem = `it is neither 'provider/model' nor a name of the registry${near ? `; did you mean ${near}?` : ''}`
    throw failure('model.unknown', {
      model: spec,
      problem,
      known: names.join(', ') || ['offline', ...Object.keys(providers)].join(', '),
    })
  }
  for (const [name, found] of Object.entries(registry)) {
    if (name.includes('/')) throw wrong(name, 'a name has no slash: that is how models of providers are written')
    if (asList(found).length === 0) throw wrong(name, 'its chain is empty')
    expandOne(name, [])
  }
  const expand = (chain: readonly ModelSpec[]) => chain.flatMap((spec) => expandOne(spec, []))
  return {
    expand,
    first: <Spec extends ModelSpec | EmbeddingSpec | RerankingSpec>(spec: Spec) =>
      typeof spec === 'string' && Object.hasOwn(registry, spec) ? (expandOne(spec, [])[0] as ModelSpec) : spec,
    defaultChain: (): readonly ModelSpec[] => {
      if (registry.default !== undefined) return expandOne('default', [])
      return fallback ? expandOne(fallback, []) : []
    },
  }
}

/** The settings of a name take precedence over those of the models that it names. */
function withMore(spec: ModelSpec, more: CallSettings): ModelSpec {
  const { target, settings } = withoutSettings(spec)
  const merged = mergeSettings(settings, more)
  if (typeof target === 'object' && 'url' in target) return { ...target, settings: merged }
  return { model: target, settings: merged }
}

const asList = (found: ModelSpec | readonly ModelSpec[]): readonly ModelSpec[] =>
  Array.isArray(found) ? (found as readonly ModelSpec[]) : [found as ModelSpec]
