/** Any form of a topology becomes the canonical one, checked; the canonical one comes back with its agents. */
import type { Agent } from '../agents/index.ts'
import { checkOptions, failure, listOf } from '../core/index.ts'
import type { CanonicalTopology } from './canonical/canonical-topology.ts'
import { readCanonical } from './read-canonical.ts'
import { readObjects } from './read-objects.ts'
import { readStrings } from './read-strings.ts'
import { TopologyDraft } from './topology-draft.ts'
import type { CompiledTopology, ObjectForm, StringForm, TopologyForm } from './topology-forms.ts'

export type { CompiledTopology, TopologyForm } from './topology-forms.ts'

/**
 * @param form strings, objects, a pattern, or what `toJSON()` gave
 * @param options `agents`: the definitions that a form names without bringing them
 * @throws ValidationError for whatever does not fit together, naming the place and the remedy
 * @example defineTopology({ agents: [lead, worker], flows: ['Start -> Lead', 'Lead <-> Worker', 'Lead -> End'] })
 */
export function defineTopology(
  form: TopologyForm,
  options: { readonly agents?: readonly Agent[] } = {},
): CompiledTopology {
  checkOptions('defineTopology', options, ['agents'])
  const agents = new Map(listOf('agents', options.agents ?? []).map((agent) => [agent.name, agent]))
  return compile(form, agents)
}

type Agents = ReadonlyMap<string, Agent>

function compile(form: TopologyForm, agents: Agents): CompiledTopology {
  if (form === null || typeof form !== 'object')
    throw failure('validation.failed', { what: 'The topology', problem: 'it is no object' })
  if ('canonical' in form) return form
  if ('version' in form) return readCanonical(form as CanonicalTopology, agents)
  const draft = new TopologyDraft()
  if ('flows' in form) readStrings(draft, form as StringForm, (inner) => compile(inner, agents))
  else if ('nodes' in form) readObjects(draft, form as ObjectForm, agents, (inner) => compile(inner, agents))
  else throw failure('validation.failed', { what: 'The topology', problem: 'it has neither flows nor nodes and edges' })
  if (form.config !== undefined)
    draft.config = JSON.parse(JSON.stringify(form.config)) as NonNullable<CanonicalTopology['config']>
  return draft.compiled()
}
