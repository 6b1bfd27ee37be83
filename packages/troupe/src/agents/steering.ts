/** What a model is told when its answer leads nowhere: friendlier first, then with the very call it should make. */
import type { Ways } from './agent-port.ts'

/** So many answers in a row that lead nowhere end the step. */
export const maxSteers = 9

/** Of a text where only a tool can say what happens next. */
export function steerToTool(ways: Ways, attempt: number): string {
  const ways_ = waysOpen(ways)
  if (attempt === 1)
    return `Your text alone leads nowhere: several ways are open. Go on by calling one of ${ways_.map(({ tool }) => tool).join(', ')}.`
  const first = ways_[ways_.length - 1]
  const all = ways_.map(({ tool, example }) => `${tool}(${example})`).join(' or ')
  if (attempt === 2) return `Answer with a tool call, not with text: ${all}.`
  return `Your next answer must be exactly one tool call and no text. For example ${first?.tool}(${first?.example}).`
}

function waysOpen(ways: Ways): readonly { readonly tool: string; readonly example: string }[] {
  const open = []
  if (ways.askUser) open.push({ tool: 'ask_user', example: '{ "question": "…" }' })
  if (ways.handOff.length > 0)
    open.push({ tool: 'hand_off', example: `{ "agent_name": "${ways.handOff[0]}", "request": "…" }` })
  if (ways.invoke.length > 0)
    open.push({
      tool: 'invoke_agent',
      example: `{ "invocations": [{ "agent_name": "${ways.invoke[0]}", "request": "…" }] }`,
    })
  if (ways.finish) open.push({ tool: 'finish', example: '{ "answer": "…" }' })
  return open
}

export const steerEmpty = 'Your answer was empty. Answer in words, or call a tool.'
export const steerOutput = (problem: string): string =>
  `Your answer does not fit the form asked for: ${problem}. Answer with one JSON value of that form and nothing else.`

/** For the error of a model that would not be steered. */
export const diagnosis = (ways: Ways, tools: readonly string[], last: string): string =>
  `it kept answering with ${last === '' ? 'nothing' : `text such as "${last.slice(0, 120)}"`} where ${
    waysOpen(ways)
      .map(({ tool }) => tool)
      .join(', ') || 'nothing'
  } would have led on${tools.length > 0 ? ` (its tools: ${tools.join(', ')})` : ''}`
