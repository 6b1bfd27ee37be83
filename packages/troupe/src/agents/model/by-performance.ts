/**
 * Ranks tools by their performance for this user with UCB1 (Auer, Cesa-Bianchi and Fischer, 2002), which needs no
 * random numbers. Fast and successful tools come first, and rarely offered ones get a bonus.
 */
import type { StepEntry } from '../agent-port.ts'
import type { ToolStatistics } from '../services-port.ts'

/** A call that takes so long is worth half of one that takes no time. */
const halvedByMs = 10_000
/** The neutral value of a tool that was never called. */
const unknownWorth = 0.5

export async function byPerformance(
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
export function scoreOf(record: ToolStatistics | undefined, allOffers: number): number {
  if (!record || record.offers === 0) return Number.POSITIVE_INFINITY
  return worthOf(record) + Math.sqrt((2 * Math.log(Math.max(1, allOffers))) / record.offers)
}

function worthOf({ calls, successes, durationMs }: ToolStatistics): number {
  if (calls === 0) return unknownWorth
  return (successes / calls) * (halvedByMs / (halvedByMs + durationMs / calls))
}
