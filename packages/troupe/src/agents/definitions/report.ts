/** The usage and the calls of a step, summed over its turns. */
import { addModels } from '../../core/index.ts'
import type { ModelAnswer, ModelSpent } from '../../models/index.ts'
import type { StepReport, ToolCallReport } from '../agent-port.ts'
import { answerContent, answerText } from '../model/content/model-messages.ts'

type Spent = Pick<StepReport, 'usage' | 'cost' | 'models'>

/** Zero means that no provider has reported any. */
const cacheTokens = (cacheReadTokens: number, cacheWriteTokens: number) => ({
  ...(cacheReadTokens > 0 ? { cacheReadTokens } : {}),
  ...(cacheWriteTokens > 0 ? { cacheWriteTokens } : {}),
})

function sumOf(one: Spent, other: Spent): Spent {
  const models: Parameters<typeof addModels>[0] = { ...one.models }
  addModels(models, other.models ?? {})
  const sum = (name: keyof Spent['usage']) => (one.usage[name] ?? 0) + (other.usage[name] ?? 0)
  return {
    models,
    usage: {
      inputTokens: sum('inputTokens'),
      outputTokens: sum('outputTokens'),
      ...cacheTokens(sum('cacheReadTokens'), sum('cacheWriteTokens')),
    },
    cost: { usd: one.cost.usd + other.cost.usd, unknown: [...new Set([...one.cost.unknown, ...other.cost.unknown])] },
  }
}

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
  #last: ModelAnswer | undefined
  #fallback: StepReport['fallback']

  /** @param onSpent called with the usage so far whenever it grows */
  constructor(onSpent?: (spent: Spent) => void) {
    this.#onSpent = onSpent
  }

  answered(answer: ModelAnswer): void {
    this.queried(answer)
    this.#last = answer
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
    const own: Spent = {
      models: { ...this.#models },
      usage: {
        inputTokens: this.#inputTokens,
        outputTokens: this.#outputTokens,
        ...cacheTokens(this.#cacheReadTokens, this.#cacheWriteTokens),
      },
      cost: { usd: this.#usd, unknown: [...this.#unknown] },
    }
    return [...this.#helpers.values()].reduce(sumOf, own)
  }

  of(): StepReport {
    const last = this.#last
    return {
      text: last ? answerText(last) : '',
      ...this.spent,
      toolCalls: this.#calls,
      model: last?.model ?? '',
      ...(last ? { finish: last.finish } : {}),
      ...(last?.content.some(({ type }) => type === 'source' || type === 'file')
        ? { content: answerContent(last) }
        : {}),
      ...(last?.logprobs === undefined ? {} : { logprobs: last.logprobs }),
      ...(this.#fallback ? { fallback: this.#fallback } : {}),
    }
  }
}
