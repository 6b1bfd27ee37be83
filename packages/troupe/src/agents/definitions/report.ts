/** What a step cost and did, added up over its turns. */
import type { ModelAnswer } from '../../models/index.ts'
import type { StepReport, ToolCallReport } from '../agent-port.ts'
import { answerText } from '../model/model-messages.ts'

export class Report {
  #inputTokens = 0
  #outputTokens = 0
  #usd = 0
  readonly #unknown = new Set<string>()
  readonly #calls: ToolCallReport[] = []
  #text = ''
  #model = ''
  #fallback: StepReport['fallback']

  answered(answer: ModelAnswer): void {
    this.#inputTokens += answer.usage.inputTokens
    this.#outputTokens += answer.usage.outputTokens
    if (answer.cost === undefined) this.#unknown.add(answer.model)
    else this.#usd += answer.cost
    this.#text = answerText(answer)
    this.#model = answer.model
    this.#fallback ??= answer.fallback
  }

  called(call: ToolCallReport): void {
    this.#calls.push(call)
  }

  /** What a helper cost is part of what this step cost. */
  helped(report: StepReport): void {
    this.#inputTokens += report.usage.inputTokens
    this.#outputTokens += report.usage.outputTokens
    this.#usd += report.cost.usd
    for (const model of report.cost.unknown) this.#unknown.add(model)
  }

  of(): StepReport {
    return {
      text: this.#text,
      usage: { inputTokens: this.#inputTokens, outputTokens: this.#outputTokens },
      cost: { usd: this.#usd, unknown: [...this.#unknown] },
      toolCalls: this.#calls,
      model: this.#model,
      ...(this.#fallback ? { fallback: this.#fallback } : {}),
    }
  }
}
