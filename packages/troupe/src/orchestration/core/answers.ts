/** Whether an answer fits its question: asked before the answer is appended, so that whoever answers is told. */
import { failure, type Json, type TroupeError } from '../../core/index.ts'
import type { AskedQuestion, State } from './state.ts'

/** @returns what is wrong with the answer; undefined where it fits */
export function wrongAnswer(state: Readonly<State>, id: string, value: Json): TroupeError | undefined {
  const question = state.questions.get(id)
  if (question?.status !== 'open') return failure('question.unknown', { question: id })
  return checkValue(question, value)
}

/**
 * @throws ConflictError for a question that is not open (any more) and for an approval of other arguments,
 * ValidationError for what the question does not allow
 */
export function checkAnswer(state: Readonly<State>, id: string, value: Json): void {
  const wrong = wrongAnswer(state, id, value)
  if (wrong) throw wrong
}

function checkValue({ ask }: AskedQuestion, value: Json): TroupeError | undefined {
  const wrong = (problem: string) =>
    failure('validation.failed', { what: `The answer to "${ask.text.slice(0, 80)}"`, problem })
  switch (ask.kind) {
    case 'choice':
    case 'error': {
      const options: readonly Json[] = ask.options ?? []
      return options.length === 0 || options.includes(value)
        ? undefined
        : wrong(`it must be one of ${options.join(', ')}`)
    }
    case 'confirmation':
      return typeof value === 'boolean' ? undefined : wrong('it must be true or false')
    case 'approval': {
      const given =
        value !== null && typeof value === 'object' && !Array.isArray(value)
          ? (value as { readonly [key: string]: Json })
          : {}
      if (typeof given.approve !== 'boolean') return wrong('it must be { approve, hash }')
      return ask.hash === undefined || given.hash === ask.hash
        ? undefined
        : failure('approval.mismatch', { tool: ask.tool ?? 'the tool' })
    }
    default:
      return undefined
  }
}
