/** Which of its tools an agent offers in one step: all, those that fit the task or did well, or a choice of one's own. */
import { failure, type Json, listOf, textOfValue } from '../../core/index.ts'
import type { Tool } from '../../tools/index.ts'
import type { StepEntry } from '../agent-port.ts'
import { allTools } from '../definitions/all-tools.ts'
import type { LlmDefinition } from '../definitions/llm-definition.ts'
import type { Report } from '../definitions/report.ts'
import { chargedAnswer } from '../memory/charged-answer.ts'
import { embedOf, type RankingSource, rank, rankingOfStep } from '../memory/similarity.ts'
import type { ToolStatistics } from '../services-port.ts'

/** The number of tools that are offered by a ranking, by default. */
const maxOffered = 20

type Tools = ReadonlyMap<string, Tool>

/** Returns the tools that are denied to the agent: by its definition, or by that of an agent for which it acts. */
export const deniedTo = ({ access }: Pick<LlmDefinition, 'access'>, entry: StepEntry): ReadonlySet<string> =>
  new Set([...(access.deny ?? []), ...(entry.denied ?? [])])

/** Returns the offered tools: those that are not denied and that the selection names, or all if it names none. */
export async function selectTools(
  definition: LlmDefinition,
  entry: StepEntry,
  report: Pick<Report, 'queried'>,
): Promise<Tools> {
  const denied = deniedTo(definition, entry)
  const all = await allTools(definition, entry)
  const granted = new Map([...all].filter(([name]) => !denied.has(name)))
  const selection = definition.toolSelection
  if (selection === 'all') return granted
  const task = textOfValue(entry.input)
  // The selection is recorded, so that a replayed step offers the same tools although statistics have changed.
  const recorded = async (choose: () => Promise<readonly string[]>) =>
    entry.recorder.answer({ kind: 'tools', name: definition.name }, async () => [...(await choose())])
  if (typeof selection === 'function') {
    const names = await recorded(async () => {
      const chosen = await selection({ task, tools: [...granted.values()] })
      return listOf(`The result of toolSelection of ${definition.name}`, chosen).map((one) =>
        typeof one === 'string' ? one : one.name,
      )
    })
    for (const name of names)
      if (!all.has(name))
        throw failure('agent.wrong', { agent: definition.name, problem: `toolSelection named ${name}, which it lacks` })
    return new Map([...granted].filter(([name]) => names.includes(name)))
  }
  const { by, limit = maxOffered } = typeof selection === 'object' ? selection : { by: selection }
  if (by === 'capabilities') return byCapabilities(granted, task, typeof selection === 'object' ? limit : undefined)
  if (by === 'performance') {
    const names = await recorded(() => byPerformance(definition.name, entry, [...granted.keys()], limit))
    for (const name of names) countOffer(definition, entry, name)
    return inOrder(granted, names)
  }
  if (granted.size <= limit) return granted
  const names = await chargedAnswer(entry, { kind: 'tools', name: definition.name }, report, (charge) =>
    bySimilarity(rankingOfStep(entry, charge), granted, task, limit),
  )
  return new Map([...granted].filter(([name]) => names.includes(name)))
}

/** Orders the tools with the best first, because models use the first ones more often. */
const inOrder = (granted: Tools, names: readonly Json[]): Tools =>
  new Map(
    names.flatMap((name) => {
      const tool = granted.get(String(name))
      return tool ? [[tool.name, tool] as const] : []
    }),
  )

function countOffer(definition: LlmDefinition, { recorder, services }: StepEntry, tool: string): void {
  const offered = { offers: 1, calls: 0, successes: 0, durationMs: 0 }
  recorder.stage({
    call: { kind: 'tool offer', name: tool },
    fragment: () => services.records.toolRecords.add(recorder.principal.userId, definition.name, tool, offered),
    module: 'other',
  })
}

const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []

/**
 * Selects the tools with a capability that shares a word with the task; within a limit, those with most such capabilities. A
 * tool without capabilities fits every task.
 */
function byCapabilities(granted: Tools, task: string, limit: number | undefined): Tools {
  const words = new Set(wordsOf(task))
  const fits = ({ capabilities }: Tool) =>
    capabilities.filter((one) => wordsOf(one).some((word) => words.has(word))).length
  const some = [...granted].filter(([, tool]) => tool.capabilities.length === 0 || fits(tool) > 0)
  if (some.length === 0) return granted
  if (limit === undefined || some.length <= limit) return new Map(some)
  return new Map([...some].sort(([, a], [, b]) => fits(b) - fits(a)).slice(0, limit))
}

/**
 * Selects tools by names, descriptions and capabilities, and adds others in the order of the definition up to the
 * limit.
 */
async function bySimilarity(source: RankingSource, granted: Tools, task: string, limit: number): Promise<string[]> {
  const names = [...granted.keys()]
  const texts = [...granted].map(([name, { description, capabilities }]) =>
    [name.replaceAll(/[_-]/g, ' '), description, ...capabilities].join(' '),
  )
  const { found } = await rank(task, texts, embedOf(source))
  const alike = found.map(({ index }) => names[index] as string)
  return [...new Set([...alike, ...names])].slice(0, limit)
}

/** A call that takes so long is worth half of one that takes no time. */
const halvedByMs = 10_000
/** The neutral value of a tool that was never called. */
const unknownWorth = 0.5

/**
 * Ranks tools by their performance for this user with UCB1 (Auer, Cesa-Bianchi and Fischer, 2002), which needs no
 * random numbers. Fast and successful tools come first, and rarely offered ones get a bonus.
 */
async function byPerformance(
  agent: string,
  { recorder, services }: StepEntry,
  names: readonly string[],
  limit: number,
): Promise<readonly string[]> {
  const records = await services.records.toolRecords.read(recorder.principal.userId, agent)
  const offers = names.reduce((sum, name) => sum + (records.get(name)?.offers ?? 0), 0)
  return names
    .map((name, index) => ({ name, index, score: scoreOf(records.get(name), offers) }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, limit)
    .map(({ name }) => name)
}

/** Returns the expected value of a call, from 0 to 1, plus a bonus for its uncertainty. */
function scoreOf(record: ToolStatistics | undefined, allOffers: number): number {
  if (!record || record.offers === 0) return Number.POSITIVE_INFINITY
  return worthOf(record) + Math.sqrt((2 * Math.log(Math.max(1, allOffers))) / record.offers)
}

function worthOf({ calls, successes, durationMs }: ToolStatistics): number {
  if (calls === 0) return unknownWorth
  return (successes / calls) * (halvedByMs / (halvedByMs + durationMs / calls))
}
