/** What is worth a sentence to whoever writes a program, once each; counted as events everywhere. */
import type { EventFields, Events } from '../../core/index.ts'
import type { Log } from '../../observability/index.ts'

const messages = {
  'tool.ignored':
    'a failed result of a tool was read by nobody: look at success and error, as what failed was not done',
  'prompt.repeated':
    'a prompt holds everything that the agent can read with its tools too, and is paid for twice: give buildSystemPrompt the keys that stay, or deny get_context',
} as const

export function warnInDevelopment(events: Events, log: Log): void {
  for (const [type, message] of Object.entries(messages) as [keyof typeof messages, string][]) {
    const off = events.on(type, ({ at, type, ...about }) => {
      off()
      log.warn(message, about)
    })
  }
}

/** What agents and tools throw, as it was thrown: with causes and stacks, which no record and no event keeps. */
export function debugTo(events: Events, log: Log): { readonly thrown: (error: unknown) => void } {
  const asError = (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown)))
  events.onContent(({ type, tool }: EventFields, { error }) => {
    if (error !== undefined) log.debug(`${type}: a tool threw`, { tool, error: asError(error) })
  })
  return { thrown: (error) => log.debug('an agent threw', { error: asError(error) }) }
}
