import { expect, it } from 'vitest'
import { toolMessage, toolResult } from '../model/content/model-messages.ts'
import { shownMessages } from './shown-messages.ts'

it('A shown thread has the reason why a call was not approved, as the error of its result.', () => {
  const call = { toolCallId: '1', toolName: 'pay' }
  const message = toolMessage([toolResult(call, { type: 'execution-denied', reason: 'Not approved: too much' })])
  const [shown] = shownMessages([{ message: message as never, taint: [] }])
  expect(shown?.content).toEqual([
    { type: 'tool-result', id: '1', name: 'pay', result: { error: 'Not approved: too much' } },
  ])
})
