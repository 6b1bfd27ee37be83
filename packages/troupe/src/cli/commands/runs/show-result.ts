/** The status and result of a run as text. */
import type { ClientSchemas } from '../../../client/index.ts'
import { contentText } from '../../output/content-text.ts'
import type { Output } from '../../output/output.ts'
import { safe } from '../../output/safe.ts'

export type ShownQuestion = ClientSchemas['Question']
export type Status = Pick<ClientSchemas['RunStatus'], 'status' | 'reason'>
export type ShownResult = ClientSchemas['RunResult']

export const questionsOf = (found: ShownResult | Status): readonly ShownQuestion[] =>
  isResult(found) ? found.questions : []

export const isResult = (found: ShownResult | Status): found is ShownResult => 'totalSteps' in found

export function showResult(out: Output, run: string, found: ShownResult | Status): void {
  out.document({ run, ...found })
  if (out.json) return
  if (!isResult(found)) {
    out.facts({ run, status: found.status, reason: found.reason })
    return
  }
  const { status, reason, questions, uncertain = [], response, guard, error } = found
  out.facts({
    run,
    status: reason ? `${status} (${reason})` : status,
    ...totalsOf(found),
    guard: guard && `${guard.name}: ${guard.used} of ${guard.limit}`,
    error: error && safe(error.message),
    '': error?.hint,
  })
  for (const question of questions) showQuestion(out, run, question)
  for (const effect of uncertain) showUncertainEffect(out, run, effect)
  if (response !== undefined && response !== null) {
    out.print()
    out.print(safe(contentText(response)))
  }
}

export const totalsOf = ({ totalSteps, usage, cost, durationMs }: ShownResult) => ({
  steps: String(totalSteps),
  tokens: `${usage.inputTokens} in, ${usage.outputTokens} out`,
  cost: costText(cost),
  time: `${(durationMs / 1_000).toFixed(1)} s`,
})

export const costText = ({ usd, unknown }: ShownResult['cost']): string =>
  `$${usd.toFixed(4)}${unknown.length > 0 ? ` and what ${unknown.join(', ')} cost` : ''}`

export function showQuestion(out: Output, run: string, question: ShownQuestion): void {
  showAsked(out, question)
  const { id, kind } = question
  out.print(out.style('dim', `  troupe runs answer ${run} '${id}' ${kind === 'approval' ? 'yes' : '"…"'}`))
}

function showUncertainEffect(out: Output, run: string, { step, call, name }: ClientSchemas['UncertainEffect']): void {
  out.print()
  out.print(`${out.style('yellow', `The outcome of ${safe(name)} is unknown`)} (step ${step})`)
  out.print(
    out.style('dim', `  troupe runs resolve ${run} '${step}' ${quoted(call)} --happened    # or --not-happened`),
  )
}

/** Returns the text as one word of a shell. */
const quoted = (text: string) => `'${safe(text).replaceAll("'", "'\\''")}'`

export function showAsked(out: Output, { kind, text, agent, options }: ShownQuestion): void {
  out.print()
  out.print(`${out.style('yellow', `${safe(agent)} asks`)} (${kind}): ${safe(text)}`)
  if (options) out.print(`  one of: ${options.map((one) => safe(one)).join(', ')}`)
}
