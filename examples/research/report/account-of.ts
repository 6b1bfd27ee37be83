/** The account of a run at the end of its report: what it took. */
import type { RunResult } from 'troupe'

export function accountOf(run: string, { totalSteps, usage, cost, durationMs }: RunResult, model: string): string {
  const unknown = cost.unknown.length > 0 ? `, without ${cost.unknown.join(', ')}, whose price is not known` : ''
  const rows = [
    ['Run', `\`${run}\``],
    ['Model', `\`${model}\``],
    ['Steps', String(totalSteps)],
    ['Tokens', `${usage.inputTokens.toLocaleString('en')} in, ${usage.outputTokens.toLocaleString('en')} out`],
    ['Time', `${(durationMs / 1000).toFixed(1)} s`],
    ['Cost', `$${cost.usd.toFixed(4)}${unknown}`],
  ]
  return ['## This run', '', '| | |', '|---|---|', ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join('\n')
}
