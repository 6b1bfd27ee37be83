/** The usage and the calls of a step, summed over its turns. */
import { addModels } from '../../core/index.ts'
import type { ModelAnswer, ModelSpent } from '../../models/index.ts'
import type { StepReport, ToolCallReport } from '../agent-port.ts'
import { answerContent, answerText } from '../model/content/model-messages.ts'

type Spent = Pick<StepReport, 'usage' | 'cost' | 'models'>

export class Report {
  readonly #onSpent: ((spent: Spent) => void) | undefined
  #inputTokens = 0
  #outputTokens = 0
  #cacheReadTokens = 0
  #cacheWriteTokens = 0
  #usd = 0
  readonly #unknown = new Set<string>()
  readonly #models: Parameters<typeof addModels>[0] = {}
  /** The usage of helpers so far, by call; part of the usage of the step. */
  readonly #helpers = new Map<string, Spent>()
  readonly #calls: ToolCallReport[] = []
  #text = ''
  #model = ''
  #content: StepReport['content']
  #logprobs: StepReport['logprobs']
  #fallback: StepReport['fallback']

  /** @param onSpent called with the usage so far whenever it grows */
  constructor(onSpent?: (spent: Spent) => void) {
    this.#onSpent = onSpent
  }

  answered(answer: ModelAnswer): void {
    this.queried(answer)
    this.#text = answerText(answer)
    this.#content = answer.content.some(({ type }) => type === 'source') ? answerContent(answer) : undefined
    this.#logprobs = answer.logprobs
    this.#model = answer.model
    this.#fallback ??= answer.fallback
  }

  /** Counts a call that is paid for and is not an answer of the step: a question about a hidden value, or a ranking. */
  queried({ usage, cost, model, isShared }: ModelSpent & { readonly isShared?: true }): void {
    this.#inputTokens += usage.inputTokens
    this.#outputTokens += usage.outputTokens
    this.#cacheReadTokens += usage.cacheReadTokens ?? 0
    this.#cacheWriteTokens += usage.cacheWriteTokens ?? 0
    if (cost === undefined) this.#unknown.add(model)
    else this.#usd += cost
    const { inputTokens, outputTokens } = usage
    if (!isShared)
      addModels(this.#models, { [model]: { inputTokens, outputTokens, ...(cost === undefined ? {} : { cost }) } })
    this.#onSpent?.(this.spent)
  }

  called(call: ToolCallReport): void {
    this.#calls.push(call)
  }

  /** Replaces the usage so far of the helper of one call. */
  helped(call: string, { usage, cost, models = {} }: Spent): void {
    this.#helpers.set(call, { usage, cost, models })
    this.#onSpent?.(this.spent)
  }

  /** The usage including helpers. */
  get spent(): Spent {
    const helpers = [...this.#helpers.values()]
    const sum = (own: number, of: (spent: Spent) => number) => helpers.reduce((total, each) => total + of(each), own)
    const models: Parameters<typeof addModels>[0] = {}
    for (const each of [this.#models, ...helpers.map((helper) => helper.models ?? {})]) addModels(models, each)
    const cacheReadTokens = sum(this.#cacheReadTokens, ({ usage }) => usage.cacheReadTokens ?? 0)
    const cacheWriteTokens = sum(this.#cacheWriteTokens, ({ usage }) => usage.cacheWriteTokens ?? 0)
    return {
      models,
      usage: {
        inputTokens: sum(this.#inputTokens, ({ usage }) => usage.inputTokens),
        outputTokens: sum(this.#outputTokens, ({ usage }) => usage.outputTokens),
        ...(cacheReadTokens > 0 ? { cacheReadTokens } : {}),
        ...(cacheWriteTokens > 0 ? { cacheWriteTokens } : {}),
      },
      cost: {
        usd: sum(this.#usd, ({ cost }) => cost.usd),
        unknown: [...new Set([...this.#unknown, ...helpers.flatMap(({ cost }) => cost.unknown)])],
      },
    }
  }

  of(): StepReport {
    return {
      text: this.#text,
      ...this.spent,
      toolCalls: this.#calls,
      model: this.#model,
      ...(this.#content ? { content: this.#content } : {}),
      ...(this.#logprobs === undefined ? {} : { logprobs: this.#logprobs }),
      ...(this.#fallback ? { fallback: this.#fallback } : {}),
    }
  }
}
