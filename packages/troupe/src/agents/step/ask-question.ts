/** Questions to people: checked when they are asked, waited for without holding a process, answered in their form. */
import {
  checkOptions,
  copyJson,
  hashJson,
  invalidInput,
  isListOf,
  isText,
  type Json,
  markedLines,
  milliseconds,
  type Question,
  questionKinds,
  reviewableText,
  show,
  TimeoutError,
  wrongAnswer,
} from '../../core/index.ts'
import type { Recorder, Wait } from '../../journal/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { AskOptions } from '../agent-port.ts'

/** @throws ValidationError for an invalid kind, option or timeout */
export function createQuestion(options: AskOptions): Question {
  const wrong = (problem: string) => invalidInput('The question', problem)
  checkOptions('ask', options, ['kind', 'text', 'options', 'timeout', 'default', 'tool', 'args', 'hash'])
  const { kind = 'question', text, options: choices, timeout } = options
  if (!questionKinds.includes(kind)) throw wrong(`its kind is ${show(kind)}, not one of ${questionKinds.join(', ')}`)
  if (typeof text !== 'string' || text.trim() === '') throw wrong('it has no text')
  if (kind === 'choice' && choices === undefined) throw wrong('a choice needs options')
  if (choices !== undefined && !isChoice(choices)) throw wrong('its options are not a list of texts')
  if (choices !== undefined && (kind === 'confirmation' || kind === 'approval')) throw wrong(`a ${kind} has no options`)
  if (timeout !== undefined) milliseconds(timeout, 'The timeout of a question')
  // The lines are of the code that asks.
  const shown = kind === 'approval' ? { ...options, text: markedLines(text) } : options
  const fields = Object.entries({ ...shown, kind }).filter(([, value]) => value !== undefined)
  const question = withArguments(copyJson(Object.fromEntries(fields), 'The question') as Question)
  const misfit = question.default === undefined ? undefined : wrongAnswer(question, question.default)
  if (misfit) throw wrong(`its default does not fit: ${misfit.message}`)
  if (kind === 'approval' && agreed(question.default)) throw wrong('an approval is given by a person, never by default')
  if (kind !== 'approval' || question.hash !== undefined) return question
  // An approval is bound to the shown question, also if the code provides no hash.
  const { tool = null, args = null } = question
  return { ...question, hash: hashJson({ text: question.text, tool, args }) }
}

/** Adds the arguments to the text of a question, because every user interface shows the text. */
function withArguments(question: Question): Question {
  const { text, tool, args } = question
  if (args === undefined) return question
  const shown = reviewableText(args)
  return text.includes(shown)
    ? question
    : { ...question, text: `${text}\n${tool === undefined ? '' : `${tool} `}${shown}` }
}

const agreed = (value: Json | undefined): boolean =>
  (value as { readonly approve?: unknown } | null | undefined)?.approve === true

const isChoice = (options: unknown): boolean => isListOf(options, isText) && options.length > 0

/** Returns the question of a step in a run as its record has it. */
export const recordedAsk = (question: Question): Pick<Wait, 'call' | 'input'> => ({
  call: { kind: 'ask', name: question.kind },
  input: hashJson(question),
})

/**
 * `ask` over a recorder.
 * @param notify stores the question for people, in the change that commits the turn; `name` addresses the answer
 */
export const createAsk =
  (recorder: Recorder, notify: (name: string, question: Question) => Fragment | Promise<Fragment>) =>
  async (options: AskOptions): Promise<Json> => {
    const question = createQuestion(options)
    try {
      return await recorder.wait({
        call: { kind: 'ask', name: question.kind },
        input: question,
        notify: (name) => notify(name, question),
        ...(question.timeout === undefined ? {} : { timeoutMs: milliseconds(question.timeout, 'timeout') }),
      })
    } catch (error) {
      if (error instanceof TimeoutError && question.default !== undefined) return question.default
      throw error
    }
  }

/**
 * Returns the answer if it fits the question.
 * @throws ValidationError for an answer that does not fit, ConflictError `approval.mismatch` for an approval with
 * another hash
 */
export function checkAnswerTo(question: Question, value: Json): Json {
  const wrong = wrongAnswer(question, value)
  if (wrong) throw wrong
  return value
}
