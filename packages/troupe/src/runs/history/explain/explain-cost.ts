/** Where a run's tokens and dollars went: by agent, and what failed attempts took of it. */
import type { NumberedEvent } from '../../engine/run-event.ts'
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
  for (const event of events) {
    if (event.type === 'run.charged') count(childSpend, event, event.steps)
    if (event.type !== 'step.completed' && event.type !== 'step.failed') continue
    if (event.type === 'step.failed') count(lost, event)
    const spent = byAgent.get(event.agent) ?? { steps: 0, tokens: 0, usd: 0 }
    byAgent.set(event.agent, spent)
    count(spent, event)
    for (const model of event.usage?.unknown ?? []) unknown.add(model)
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
    ...(unknown.size > 0 ? [`Nobody knows the price of ${[...unknown].join(', ')}: it counts as nothing here.`] : []),
  ]
  return texts.map((text) => ({ about: 'cost', text }))
}

type Charged = Extract<NumberedEvent, { readonly type: 'step.completed' | 'step.failed' | 'run.charged' }>

function count(spent: Spent, { usage }: Charged, steps = 1): void {
  spent.steps += steps
  spent.tokens += (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0)
  spent.usd += usage?.cost ?? 0
}

export const dollars = (usd: number) => `$${usd.toFixed(usd > 0 && usd < 0.01 ? 6 : 2)}`
const share = ({ tokens, usd }: Spent, allTokens: number, allUsd: number) =>
  `${tokens} tokens, ${dollars(usd)} (${Math.round(100 * (allUsd > 0 ? usd / allUsd : tokens / allTokens))} %)`
