/** The answers of people in a past run, which answer equal questions again. */
import type { Json } from '../../core/index.ts'
import type { NumberedEvent } from '../engine/events/run-event.ts'
import type { Run } from '../engine/run.ts'
import type { RunQuestion, RunResult } from '../engine/run-result.ts'

type Asked = Pick<RunQuestion, 'agent' | 'kind' | 'text' | 'hash'>
const keyOf = ({ agent, kind, text, hash }: Asked) => JSON.stringify([agent, kind, text, hash ?? null])

export class RecordedAnswers {
  readonly #answers = new Map<string, Json[]>()

  /** @param live true if tools are executed, so that approvals of the past run, which were for its calls, are not reused */
  constructor(events: readonly NumberedEvent[], live: boolean) {
    const asked = new Map<string, string>()
    for (const event of events) {
      if (event.type === 'question.asked')
        asked.set(event.question, keyOf({ ...event.ask, agent: event.agent } as Asked))
      const key = event.type === 'question.answered' ? asked.get(event.question) : undefined
      if (key === undefined || event.type !== 'question.answered') continue
      if (!live || (event.value as { readonly approve?: unknown } | null)?.approve !== true)
        this.#answers.set(key, [...(this.#answers.get(key) ?? []), event.value])
    }
  }

  /** @returns the result of the run, or its state if it waits for an answer that is not recorded */
  async toEnd(run: Run, options: { readonly signal?: AbortSignal }): Promise<RunResult> {
    for (;;) {
      const result = await run.result(options)
      const answers = result.questions.map((question) => this.#answers.get(keyOf(question))?.shift())
      if (result.reason !== 'question' || answers.includes(undefined)) return result
      try {
        for (const [i, { id }] of result.questions.entries()) await run.answer(id, answers[i] ?? null, options)
      } catch (error) {
        // An answer that does not fit the new question is ignored.
        if (options.signal?.aborted) throw error
        return result
      }
    }
  }
}
