/** Logs events that a developer should see, each once. In all profiles they are counted as events. */
import type { Events } from '../../core/index.ts'
import type { Log } from '../../observability/index.ts'

const messages = {
  'tool.ignored': 'a failed tool result was not read: check success and error, because the failed call had no effect',
  'prompt.repeated':
    'a prompt contains everything that the agent can also read with its tools, so its tokens are paid for twice: pass keys to buildSystemPrompt, or deny get_context',
} as const

export function warnInDevelopment(events: Events, log: Log): void {
  for (const [type, message] of Object.entries(messages) as [keyof typeof messages, string][]) {
    const off = events.on(type, ({ at, type, ...about }) => {
      off()
      log.warn(message, about)
    })
  }
}
