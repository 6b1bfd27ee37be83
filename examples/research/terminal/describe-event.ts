/** One line for an event of a run, for people; undefined for those that only keep books. */
import type { RunEvent } from 'troupe'

export function describeEvent(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'run.started':
    case 'run.completed':
      return event.type
    case 'run.failed':
      return `${event.type}: ${event.error.message}`
    case 'run.cancelled':
      return event.type
    case 'branch.started':
      return `${event.type} ${event.agent} [${event.branch}]${subject(event.input)}`
    case 'step.started':
      return `${event.type} ${event.agent} [${event.step}]${event.attempt > 1 ? ` attempt ${event.attempt}` : ''}`
    case 'step.completed': {
      const used = event.usage ? `, ${event.usage.inputTokens} + ${event.usage.outputTokens} tokens` : ''
      return `${event.type} ${event.agent} [${event.step}]${routeText(event.outcome)}${used}`
    }
    case 'step.failed':
      return `${event.type} ${event.agent} [${event.step}]: ${event.error.message}`
    case 'step.waiting':
      return `${event.type} ${event.agent} [${event.step}]: ${event.reason}`
    case 'request.made':
      return `${event.type} ${event.fromAgent} -> ${event.agent}: ${event.message}${subject(event.payload)}`
    case 'join.completed':
      return `${event.type} ${event.agent}: ${event.arrived} arrived${event.missing > 0 ? `, ${event.missing} missing` : ''}`
    case 'guard.tripped':
      return `${event.type} ${event.guard.name}: ${event.guard.used} of ${event.guard.limit}`
    default:
      return undefined
  }
}

/** What an agent was asked, where its input says so. */
export function subject(input: unknown): string {
  const question = typeof input === 'object' && input !== null && 'question' in input ? input.question : undefined
  return typeof question === 'string' ? `: ${short(question)}` : ''
}

function routeText(outcome: {
  readonly kind: string
  readonly targets?: readonly { readonly agent: string }[]
}): string {
  if (outcome.kind !== 'invoke' || !outcome.targets) return ''
  const [first] = outcome.targets
  return `, invokes ${outcome.targets.length > 1 ? `${outcome.targets.length} × ` : ''}${first?.agent}`
}

export const short = (text: string) => (text.length > 90 ? `${text.slice(0, 89)}…` : text).replace(/\s+/g, ' ')
