/** Renders a trace as a diagram and as lines of text. */
import { duration, textOfValue, truncateText } from '../../../core/index.ts'
import type { Interaction, Trace } from './run-trace.ts'

/** The highest number of characters of a value in one line. */
const shown = 60

const valueText = ({ value }: Interaction): string => {
  if (value === undefined) return ''
  const line = textOfValue(value).replaceAll(/\s+/g, ' ')
  return line.length > shown ? `${truncateText(line, shown)}…` : line
}

/** Removes the characters that Mermaid would read as syntax. */
const plain = (text: string) => text.replaceAll(/[;#<>"]/g, ' ').trim()

export function toMermaid({ interactions }: Trace): string {
  const names = [...new Set(interactions.flatMap(({ from, to }) => [from, to]))]
  const alias = new Map(names.map((name, i) => [name, `p${i + 1}`]))
  const back = new Set<Interaction['kind']>(['result', 'reply', 'answer'])
  return [
    'sequenceDiagram',
    ...names.map((name) => `  participant ${alias.get(name)} as ${plain(name)}`),
    ...interactions.map((one) => {
      const arrow = back.has(one.kind) ? '-->>' : '->>'
      const text = plain(`${one.kind} ${valueText(one)}`)
      return `  ${alias.get(one.from)}${arrow}${alias.get(one.to)}: ${text}`
    }),
  ].join('\n')
}

export function toText({ executionPath, interactions, errors }: Trace): string {
  const lines = [
    ...executionPath.map((step) => ({
      seq: step.seq,
      text: `${step.agent} ${step.step} ${step.status} after ${duration(step.workMs)}${step.attempt > 1 ? `, attempt ${step.attempt}` : ''}`,
    })),
    ...interactions.map((one) => ({
      seq: one.seq,
      text: `${one.from} -> ${one.to} ${one.kind} ${valueText(one)}`.trimEnd(),
    })),
    ...errors.map(({ seq, agent, error }) => ({ seq, text: `${agent} failed: ${error.message} [${error.code}]` })),
  ]
  return lines
    .sort((a, b) => a.seq - b.seq)
    .map(({ seq, text }) => `${String(seq).padStart(5)}  ${text}`)
    .join('\n')
}
