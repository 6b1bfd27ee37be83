/** Which of its tools an agent offers in one step: all, those that fit the task, or a choice of the user's own. */
import MiniSearch from 'minisearch'
import { failure } from '../core/index.ts'
import type { Tool } from '../tools/index.ts'
import type { StepEntry } from './agent-port.ts'
import { textOfInput } from './history.ts'
import type { LlmDefinition } from './llm-definition.ts'

/** So many are offered where the choice is by similarity. */
const mostAlike = 20

/** Denied tools are never offered; of the others those that the selection names, or all where it finds none. */
export async function selectTools(definition: LlmDefinition, entry: StepEntry): Promise<ReadonlyMap<string, Tool>> {
  const denied = new Set(definition.access.deny)
  const granted = new Map([...definition.tools].filter(([name]) => !denied.has(name)))
  const selection = definition.toolSelection
  if (selection === 'all') return granted
  const task = textOfInput(entry.input)
  if (selection === 'capabilities') return orAll(granted, byCapabilities(granted, task))
  if (selection === 'similarity') return granted.size > mostAlike ? bySimilarity(granted, task) : granted
  const names = await entry.recorder.answer({ kind: 'tools', name: definition.name }, async () => {
    const chosen = await selection({ task, tools: [...granted.values()] })
    return chosen.map((one) => (typeof one === 'string' ? one : one.name))
  })
  for (const name of names)
    if (!definition.tools.has(name))
      throw failure('agent.wrong', { agent: definition.name, problem: `toolSelection named ${name}, which it lacks` })
  return new Map([...granted].filter(([name]) => names.includes(name)))
}

const orAll = (all: ReadonlyMap<string, Tool>, some: ReadonlyMap<string, Tool>) => (some.size > 0 ? some : all)

function byCapabilities(granted: ReadonlyMap<string, Tool>, task: string): ReadonlyMap<string, Tool> {
  const words = new Set(task.toLowerCase().match(/[\p{L}\p{N}]+/gu))
  const fits = (tool: Tool) =>
    tool.capabilities.some((one) =>
      one
        .toLowerCase()
        .split(/\W+/)
        .some((word) => words.has(word)),
    )
  return new Map([...granted].filter(([, tool]) => tool.capabilities.length === 0 || fits(tool)))
}

/** By the words of names, descriptions and capabilities; filled up in the order of the definition. */
function bySimilarity(granted: ReadonlyMap<string, Tool>, task: string): ReadonlyMap<string, Tool> {
  const index = new MiniSearch<{ id: string; text: string }>({
    fields: ['text'],
    searchOptions: { fuzzy: (term) => (term.length > 4 ? 0.2 : false), prefix: (term) => term.length > 3 },
  })
  for (const [id, { description, capabilities }] of granted)
    index.add({ id, text: [id.replaceAll(/[_-]/g, ' '), description, ...capabilities].join(' ') })
  const alike = index.search(task).map(({ id }) => id as string)
  const chosen = new Set([...new Set([...alike, ...granted.keys()])].slice(0, mostAlike))
  return new Map([...granted].filter(([name]) => chosen.has(name)))
}
