/** Questions to people: checked when they are asked, waited for without holding a process, answered in their form. */
import { checkOptions, failure, type Json, milliseconds, TimeoutError } from '../core/index.ts'
import type { Recorder } from '../durable/index.ts'
import type { Fragment } from '../storage/index.ts'
import type { AskOptions, Question } from './agent-port.ts'

const kinds: readonly string[] = ['question', 'choice', 'confirmation', 'draft', 'approval', 'error']

/** @throws ValidationError for a kind, option or timeout that is not one */
export function createQuestion(options: AskOptions): Question {
  const wrong = (problem: string) => failure('validation.failed', { what: 'The question', problem })
  checkOptions('ask', options, ['kind', 'text', 'options', 'timeout', 'default', 'tool', 'args', 'hash'])
  const { kind = 'question', text, options: choices, timeout, ...rest } = options
  if (!kinds.includes(kind)) throw wrong(`its kind is ${String(kind)}, not one of ${kinds.join(', ')}`)
  if (typeof text !== 'string' || text.trim() === '') throw wrong('it has no text')
  if (kind === 'choice' && !(Array.isArray(choices) && choices.length > 0)) throw wrong('a choice needs options')
  return {
    ...rest,
    kind,
    text,
    ...(choices === undefined ? {} : { options: [...choices] }),
    ...(timeout === undefined ? {} : { timeoutMs: milliseconds(timeout, 'The timeout of a question') }),
  }
}

/**
 * `ask` over a recorder.
 * @param tell what puts the question where people see it, in the change that commits the turn; `name` addresses the answer
 */
export const createAsk =
  (recorder: Recorder, tell: (name: string, question: Question) => Fragment | Promise<Fragment>) =>
  async (options: AskOptions): Promise<Json> => {
    const question = createQuestion(options)
    try {
      return await recorder.wait({
        call: { kind: 'ask', name: question.kind },
        input: JSON.parse(JSON.stringify(question)) as Json,
        tell: (name) => tell(name, question),
        ...(question.timeoutMs === undefined ? {} : { timeoutMs: question.timeoutMs }),
      })
    } catch (error) {
      if (error instanceof TimeoutError && question.default !== undefined) return question.default
      throw error
    }
  }

/**
 * The answer as the question takes it.
 * @throws ValidationError for what is no answer to it, ConflictError `approval.mismatch` for an approval of something else
 */
export function checkAnswer(question: Question, value: Json): Json {
  const wrong = (problem: string) =>
    failure('validation.failed', { what: `The answer to "${question.text.slice(0, 80)}"`, problem })
  if (question.options && !question.options.includes(value as string))
    throw wrong(`it is not one of ${question.options.join(', ')}`)
  if (question.kind === 'error' && !['retry', 'skip', 'abort'].includes(value as string))
    throw wrong('it is not retry, skip or abort')
  if (question.kind === 'approval') {
    const approval = (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}) as {
      approve?: Json
      hash?: Json
    }
    if (typeof approval.approve !== 'boolean') throw wrong('it must be { approve: true | false, hash, reason? }')
    if (approval.hash !== question.hash) throw failure('approval.mismatch', { tool: question.tool ?? 'the tool' })
  }
  return value
}
