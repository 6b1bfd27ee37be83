/**
 * Compiles any form of a topology to the canonical one and checks it; reads the canonical form back with its agents.
 */
import type { Agent } from '../agents/index.ts'
import { checkOptions, invalidInput, isObject, listOf, readable } from '../core/index.ts'
import type { CanonicalTopology } from './canonical/canonical-topology.ts'
import { readCanonical } from './read-canonical.ts'
import { readObjects } from './read-objects.ts'
import { readStrings } from './read-strings.ts'
import { checkDefinition, isCompiled, TopologyDraft } from './topology-draft.ts'
import type { CompiledTopology, ObjectForm, StringForm, TopologyForm } from './topology-forms.ts'

export type { CompiledTopology, TopologyForm } from './topology-forms.ts'

/**
 * Compiles a topology.
 * @param form strings, objects, a pattern, or the result of `toJSON()`
 * @param options.agents the definitions that a form refers to by name; none by default
 * @throws ValidationError for any inconsistency, with its location and a remedy
 * @example defineTopology({ agents: [lead, worker], flows: ['Start -> Lead', 'Lead <-> Worker', 'Lead -> End'] })
 */
export function defineTopology(
  form: TopologyForm,
  options: { readonly agents?: readonly Agent[] } = {},
): CompiledTopology {
  checkOptions('defineTopology', options, ['agents'])
  return readable('The topology', () => {
    const definitions = listOf('agents', options.agents ?? [])
    for (const agent of definitions) checkDefinition(agent)
    return compile(form, new Map(definitions.map((agent) => [agent.name, agent])))
  })
}

type Agents = ReadonlyMap<string, Agent>

/** Reads a compiled topology that the application built itself, for example from another one with different agents. */
function readCompiled({ canonical, agents }: CompiledTopology): CompiledTopology {
  if (!(agents instanceof Map))
    throw invalidInput('The agents of the topology', 'they must be an object with agents by their names')
  return readCanonical(canonical, agents)
}

function compile(form: TopologyForm, agents: Agents): CompiledTopology {
  if (!isObject(form as unknown)) throw invalidInput('The topology', 'it is not an object')
  if (isCompiled(form)) return form
  if ('canonical' in form) return readCompiled(form as unknown as CompiledTopology)
  if ('version' in form) return readCanonical(form as CanonicalTopology, agents)
  const draft = new TopologyDraft()
  if ('flows' in form) readStrings(draft, form as StringForm, (inner) => compile(inner, agents))
  else if ('nodes' in form) readObjects(draft, form as ObjectForm, agents, (inner) => compile(inner, agents))
  else throw invalidInput('The topology', 'it has neither flows nor nodes and edges')
  if (form.config !== undefined)
    draft.config = JSON.parse(JSON.stringify(form.config)) as NonNullable<CanonicalTopology['config']>
  return draft.compiled()
}
