/** The messages to a model whose answer cannot be routed: first general ones, then the exact call that it should make. */
import { truncateText } from '../../core/index.ts'
import type { Flow } from '../agent-port.ts'

/**
 * The highest number of reminders after consecutive texts without a tool call, if only a tool call can continue the
 * step.
 */
export const maxSteers = 9
/** The highest number of reminders to use the required form: three attempts in total, because each one is paid for. */
export const maxFormSteers = 2

/** The reminder after a text, if only a tool call can continue the step. */
export function steerToTool(flow: Flow, attempt: number): string {
  const choices = choicesOf(flow)
  if (attempt === 1 && onlyFinishEnds(flow)) {
    const others = choices.flatMap(({ tool }) => (tool === 'finish' ? [] : [tool]))
    return `Your text alone leads nowhere. If it is your answer, call finish({ "answer": "…" }) with it; otherwise call ${others.join(' or ')}.`
  }
  if (attempt === 1)
    return `A text alone selects no target, because several are possible. Continue by calling one of ${choices.map(({ tool }) => tool).join(', ')}.`
  const first = choices[choices.length - 1]
  const all = choices.map(({ tool, example }) => `${tool}(${example})`).join(' or ')
  if (attempt === 2) return `Answer with a tool call, not with text: ${all}.`
  return `Your next answer must be exactly one tool call and no text. For example ${first?.tool}(${first?.example}).`
}

/** Returns true if only `finish` ends the step: the agents to which it may hand off can also be invoked with a return. */
export const onlyFinishEnds = ({ finish, handOff, invoke }: Flow): boolean =>
  finish && handOff.every((agent) => invoke.includes(agent))

function choicesOf(flow: Flow): readonly { readonly tool: string; readonly example: string }[] {
  const open = []
  if (flow.askUser) open.push({ tool: 'ask_user', example: '{ "question": "…" }' })
  if (flow.handOff.length > 0)
    open.push({ tool: 'hand_off', example: `{ "agent_name": "${flow.handOff[0]}", "request": "…" }` })
  if (flow.invoke.length > 0)
    open.push({
      tool: 'invoke_agent',
      example: `{ "invocations": [{ "agent_name": "${flow.invoke[0]}", "request": "…" }] }`,
    })
  if (flow.finish) open.push({ tool: 'finish', example: '{ "answer": "…" }' })
  return open
}

export const steerEmpty = 'Your answer was empty. Answer in words, or call a tool.'
export const steerCut =
  'Your answer was cut off, because it reached the maximum number of tokens. Give a shorter one that is complete.'
export const steerFailed =
  'Your answer ended with an error, for example in a malformed tool call. Answer again, completely.'
export const steerOutput = (problem: string): string =>
  `Your answer does not fit the form asked for: ${problem}. Answer with one JSON value of that form and nothing else.`

/** The problem in the error of a model that ignored all reminders. */
export const diagnosis = (flow: Flow, tools: readonly string[], last: string): string =>
  `its answers were ${last === '' ? 'empty' : `text such as "${truncateText(last, 120)}"`} where ${
    choicesOf(flow)
      .map(({ tool }) => tool)
      .join(', ') || 'no tool'
  } was expected${tools.length > 0 ? ` (its tools: ${tools.join(', ')})` : ''}`
