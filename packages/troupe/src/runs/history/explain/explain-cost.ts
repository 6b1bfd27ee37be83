/** Explains the tokens and the cost of a run by agent, and the share of failed attempts. */
import type { NumberedEvent } from '../../engine/events/run-event.ts'
import type { StepUsage } from '../../machine/machine-events.ts'
import type { PastRun } from '../past-run.ts'
import type { ExplanationLine } from './explanation-line.ts'

interface Spent {
  steps: number
  tokens: number
  usd: number
}

export function explainCost({ events }: PastRun): readonly ExplanationLine[] {
  const byAgent = new Map<string, Spent>()
  const unknown = new Set<string>()
  const lost: Spent = { steps: 0, tokens: 0, usd: 0 }
  const childSpend: Spent = { steps: 0, tokens: 0, usd: 0 }
  for (const { type, agent, steps, usage } of charges(events)) {
    if (agent === undefined) {
      count(childSpend, usage, steps)
      continue
    }
    if (type === 'step.failed') count(lost, usage)
    const spent = byAgent.get(agent) ?? { steps: 0, tokens: 0, usd: 0 }
    byAgent.set(agent, spent)
    count(spent, usage)
    for (const model of usage?.unknown ?? []) unknown.add(model)
  }
  const spenders = [...byAgent]
    .filter(([, { tokens }]) => tokens > 0)
    .sort(([, a], [, b]) => b.usd - a.usd || b.tokens - a.tokens)
  const all = [...spenders.map(([, spent]) => spent), childSpend]
  const tokens = all.reduce((sum, spent) => sum + spent.tokens, 0)
  const usd = all.reduce((sum, spent) => sum + spent.usd, 0)
  if (tokens === 0) return []
  const texts = [
    `It used ${tokens} tokens for ${dollars(usd)}.`,
    ...spenders
      .slice(0, 3)
      .map(
        ([agent, spent]) =>
          `${agent} took ${share(spent, tokens, usd)} in ${spent.steps} ${spent.steps === 1 ? 'step' : 'steps'}.`,
      ),
    ...(childSpend.tokens > 0 ? [`Runs that it started took ${share(childSpend, tokens, usd)}.`] : []),
    ...(lost.tokens > 0 ? [`Steps that failed took ${share(lost, tokens, usd)}.`] : []),
    ...(unknown.size > 0 ? [`The price of ${[...unknown].join(', ')} is unknown and not included.`] : []),
  ]
  return texts.map((text) => ({ about: 'cost', text }))
}

interface Charge {
  readonly type: NumberedEvent['type']
  /** Undefined for a child run. */
  readonly agent: string | undefined
  readonly steps?: number
  readonly usage: StepUsage | undefined
}

/** Returns the usage of the ended steps and child runs, and the usage so far of those that wait. */
function charges(events: readonly NumberedEvent[]): readonly Charge[] {
  const ended: Charge[] = []
  const open = new Map<string, Charge>()
  for (const event of events) {
    if (event.type === 'step.waiting' && event.usage)
      open.set(event.step, { type: event.type, agent: event.agent, usage: event.usage })
    if (event.type === 'child.waiting' && event.usage)
      open.set(event.child, { type: event.type, agent: undefined, steps: 0, usage: event.usage })
    if (event.type === 'run.charged') {
      open.delete(event.run)
      ended.push({ type: event.type, agent: undefined, steps: event.steps, usage: event.usage })
    }
    if (event.type === 'step.completed' || event.type === 'step.failed') {
      const { type, agent, usage = open.get(event.step)?.usage } = event
      open.delete(event.step)
      ended.push({ type, agent, usage })
    }
  }
  return [...ended, ...open.values()]
}

function count(spent: Spent, usage: StepUsage | undefined, steps = 1): void {
  spent.steps += steps
  spent.tokens += (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0)
  spent.usd += usage?.cost ?? 0
}

/** Returns an amount below a cent with up to six digits, as far as they are not zero. */
export const dollars = (usd: number) =>
  usd > 0 && usd < 0.01 ? `$${Number(Math.max(usd, 0.000001).toFixed(6))}` : `$${usd.toFixed(2)}`
const share = ({ tokens, usd }: Spent, allTokens: number, allUsd: number) =>
  `${tokens} tokens, ${dollars(usd)} (${Math.round(100 * (allUsd > 0 ? usd / allUsd : tokens / allTokens))} %)`
