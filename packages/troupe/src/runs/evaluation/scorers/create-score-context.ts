/** Provides scorers with the models of the troupe, and counts their usage. */
import { answerText } from '../../../agents/index.ts'
import { failure, modelSchemaOf, type UserId } from '../../../core/index.ts'
import type { ModelCall, Models } from '../../../models/index.ts'
import type { ScoreContext, ScoreQuestion } from './score-function.ts'

export interface CountedScoreContext extends ScoreContext {
  /** The usage of the models that `ask` and `embed` have called. */
  readonly spent: { readonly tokens: number; readonly cost: number }
}

export function createScoreContext(models: Models, user: UserId, signal: AbortSignal | undefined): CountedScoreContext {
  const spent = { tokens: 0, cost: 0 }
  const withSignal = signal ? { signal } : {}
  return {
    user,
    ...withSignal,
    spent,
    async ask({ models: asked, system, text, schema }: ScoreQuestion) {
      const chain = asked.length > 0 ? asked : models.defaultChain()
      if (chain.length === 0) throw failure('model.missing', { agent: 'the scorer' })
      const form = schema && modelSchemaOf(schema, 'The schema of ask')
      const call: ModelCall = {
        user,
        prompt: [
          { role: 'system', content: system },
          { role: 'user', content: [{ type: 'text', text }] },
        ],
        tools: [],
        ...(form ? { responseFormat: { type: 'json', schema: form as never, name: 'answer' } } : {}),
        ...withSignal,
      }
      const answer = await models.call(chain, call)
      spent.tokens += answer.usage.inputTokens + answer.usage.outputTokens
      spent.cost += answer.cost ?? 0
      return { text: answerText(answer), model: answer.model }
    },
    embed: async (model, texts) => {
      const made = await models.embed(model, texts, { user, ...withSignal })
      spent.tokens += made.spent?.usage.inputTokens ?? 0
      spent.cost += made.spent?.cost ?? 0
      return made.vectors
    },
  }
}
