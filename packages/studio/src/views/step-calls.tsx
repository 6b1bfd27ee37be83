/** What a step asked of models, tools and the world, asked for when somebody looks. */

import type { Call } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { asText, count, money } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Status } from '../parts/status.tsx'
import { Text } from '../parts/ui.tsx'
import { Value } from '../parts/value.tsx'
import type { Step } from '../run-state.ts'
import { visible } from '../visible.ts'
import { SentPromptOf } from './sent-prompt.tsx'

interface ModelPart {
  readonly type: string
  readonly text?: string
  readonly toolName?: string
  readonly input?: unknown
}
interface ModelOutput {
  readonly content?: readonly ModelPart[]
  readonly model?: string
  readonly cost?: number
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number; readonly cacheReadTokens?: number }
}

const states: Readonly<Record<Call['state'], string>> = {
  claimed: 'working',
  done: 'done',
  failed: 'failed',
  uncertain: 'waiting',
  'not-happened': 'stopped',
}

const reasons: Partial<Record<Call['state'], string>> = {
  uncertain: 'its outcome is unknown',
  'not-happened': 'it did not happen',
}

export function StepCalls({ run, step }: { readonly run: string; readonly step: Step }) {
  const isOver = step.state === 'done' || step.state === 'failed' || step.state === 'stopped'
  const path = { run, step: step.id }
  const calls = useAnswer('runs.calls', { path, ...(isOver ? {} : { every: 2_000 }) })
  return (
    <Answer of={calls} none={{ when: ({ calls: all }) => all.length === 0, text: 'It asked nothing of the world.' }}>
      {({ calls: all }) => (
        <ol className="plain">
          {all.map((call) => (
            <li key={call.call}>
              <OneCall call={call} of={step} run={run} />
            </li>
          ))}
        </ol>
      )}
    </Answer>
  )
}

interface OneCallProps {
  readonly run: string
  readonly call: Call
  readonly of: Step
}

function OneCall({ run, call, of: { agent, id } }: OneCallProps) {
  const { kind, name, state, output, error, taint = [] } = call
  const answer = kind === 'model' ? ((output ?? {}) as ModelOutput) : {}
  const { usage, cost, model } = answer
  const facts = [
    kind === 'model' ? `model call ${name}` : `${kind} ${name}`,
    model,
    usage && `${count(usage.inputTokens)} tokens in, ${count(usage.outputTokens)} out`,
    usage?.cacheReadTokens && `${count(usage.cacheReadTokens)} from the provider's cache`,
    cost !== undefined && money(cost),
    kind !== 'model' && call.class,
    kind !== 'model' && call.key !== undefined && `key ${call.key}`,
    ...taint,
  ].filter(Boolean)
  return (
    <>
      <Text as="p" mb="1" className="break">
        <Status status={states[state]} {...(state in reasons ? { reason: reasons[state] } : {})} /> {facts.join(' · ')}
      </Text>
      {error && <Text as="p">{visible(error.message)}</Text>}
      {kind === 'model' && (
        <SentPromptOf run={run} step={id} call={call.call} label={`model call ${name} of ${agent}, ${id}`} />
      )}
      {call.input !== undefined && (
        <Value value={call.input} label={`Input of ${kind} ${name} of ${agent}, ${id}: ${call.call}`} />
      )}
      {output !== undefined && (
        <Value
          value={kind === 'model' ? textOf(answer) : output}
          label={`${kind} ${name} of ${agent}, ${id}: ${call.call}`}
        />
      )}
    </>
  )
}

/** An answer as it reads: texts, and each call of a tool with its arguments. */
function textOf({ content = [] }: ModelOutput): string {
  const lines = content.map(({ type, text, toolName, input }) => {
    if (type === 'tool-call') return `${toolName} ${argumentsOf(input)}`
    return text === undefined ? '' : type === 'reasoning' ? `(${text})` : text
  })
  return lines.filter((line) => line !== '').join('\n')
}

/** Models send them as text. */
function argumentsOf(input: unknown): string {
  if (typeof input !== 'string') return asText(input)
  try {
    return asText(JSON.parse(input))
  } catch {
    return input
  }
}
