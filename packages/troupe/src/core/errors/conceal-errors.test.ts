import { describe, expect, it } from 'vitest'
import { concealErrors, concealErrorsInParts } from './conceal-errors.ts'
import { failure } from './failure.ts'
import { concealed, errorIdIn, messageWithId, quoting, restoreError, storeError } from './stored-error.ts'
import { AgentError, RecoverableError } from './troupe-error.ts'

const canary = 'connect to db-7 as svc_admin failed'

describe('storeError', () => {
  it('storeError gives errors of the application the same id for the same failure at the same line.', () => {
    const make = (text: string) => storeError(new TypeError(text))
    expect(make(canary).errorId).toMatch(/^err_[0-9a-f]{16}$/)
    expect(make(canary).errorId).toBe(make(canary).errorId)
    expect(make('another').errorId).not.toBe(make(canary).errorId)
    for (const thrown of [canary, { canary }, new RecoverableError(canary)])
      expect(storeError(thrown).errorId).toMatch(/^err_/)
  })
  it('storeError gives errors of Troupe no id, however often they are stored.', () => {
    const own = failure('tool.unapproved', { tool: 'pay' })
    expect(storeError(own).errorId).toBeUndefined()
    expect(storeError(restoreError(storeError(own))).errorId).toBeUndefined()
    const aborted = failure('cancelled', { what: 'The run' }, { cause: new Error('the page was closed') })
    expect(storeError(aborted).errorId).toBeUndefined()
  })
  it('storeError gives an error that quotes another error the id of that error.', () => {
    const cause = new Error(canary)
    const quotes = failure('tool.failed', { tool: 'pay', problem: cause.message }, { cause })
    const outer = failure('retries.exhausted', { attempts: 3, error: quotes.message }, { cause: quotes })
    const { errorId } = storeError(cause)
    for (const error of [quotes, outer, restoreError(storeError(outer))])
      expect(storeError(error).errorId).toBe(errorId)
  })
  it('storeError adds the hint of the catalogue to an error without one.', () => {
    expect(storeError(new Error('boom'))).toMatchObject({ code: 'agent.failed', hint: expect.stringContaining('log') })
  })
})

describe('concealErrors', () => {
  const error = storeError(new TypeError(canary))
  const shown = concealed(error)

  it('concealErrors replaces the text by an id, and preserves code and class of catalogue errors.', () => {
    expect(shown).toEqual({
      name: 'AgentError',
      code: 'agent.failed',
      message: `Internal error ${error.errorId}.`,
      retryable: false,
      hint: expect.stringContaining('operator'),
      errorId: error.errorId,
    })
    const own = storeError(failure('tool.unapproved', { tool: 'pay' }))
    expect(concealed(own)).toBe(own)
    expect(concealed({ ...error, name: canary, code: canary })).toMatchObject({
      name: 'AgentError',
      code: 'agent.failed',
    })
  })
  it('concealErrors replaces the error of a failed result in a thread, and no word of the conversation.', () => {
    const errorId = 'err_0123456789abcdef'
    const thread = [{ text: 'Is there a table? no rush' }, { result: { error: 'no', errorId, notice: 'again' } }]
    expect(concealErrors(thread)).toEqual([
      { text: 'Is there a table? no rush' },
      { result: { error: `Internal error ${errorId}.`, errorId, notice: 'again' } },
    ])
  })
  it('concealErrors covers every place of an answer, and texts that quote the message.', () => {
    const answer = {
      error,
      list: [{ error: restoreError(error) }],
      sentences: [{ about: 'failed', text: `It failed because A failed: ${canary} [agent.failed]`, error }],
      output: { success: false, error: canary },
      problem: { code: 'agent.failed', message: canary, since: 'now', errorId: error.errorId },
    }
    const clean = concealErrors(answer)
    expect(JSON.stringify(clean)).not.toContain('svc_admin')
    expect(clean.problem).toMatchObject({ since: 'now', message: shown.message })
    expect(clean.sentences[0]?.text).toBe(`It failed because A failed: ${shown.message} [agent.failed]`)
  })
  it('concealErrors covers the reason of a dead letter and the question about a failed branch.', () => {
    const clean = concealErrors({
      items: [{ reason: `TypeError: ${messageWithId(error)}; perhaps done` }],
      questions: [{ kind: 'error', text: `A failed: ${messageWithId(error)} Retry, skip or abort?` }],
    })
    expect(clean.items[0]?.reason).toBe(shown.message)
    expect(clean.questions[0]?.text).toBe(`A failed: ${shown.message} Retry, skip or abort?`)
  })
  it('concealErrors leaves an answer without such errors as it is, and short words unchanged.', () => {
    const answer = {
      status: 'failed',
      error: storeError(failure('agent.turns', { agent: 'A', limit: 2 })),
      list: [1, 'a'],
    }
    expect(concealErrors(answer)).toBe(answer)
    const word = storeError(new AgentError('completed'))
    expect(concealErrors({ status: 'completed', error: word })).toMatchObject({ status: 'completed' })
    expect(concealErrors({ status: '', error: { ...error, message: '' } })).toMatchObject({ status: '' })
  })
  it('concealErrors leaves turns to other work while it searches a long answer that quotes an error.', () => {
    const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, reason: `after ${canary}`, tags: ['a'] }))
    const work = concealErrorsInParts({ rows, error })
    let parts = 0
    let step = work.next()
    for (; !step.done; step = work.next()) parts++
    expect(parts).toBeGreaterThan(60)
    const clean = { id: 0, reason: `after Internal error ${error.errorId}.`, tags: ['a'] }
    expect(step.value.rows[0]).toEqual(clean)
    expect(step.value.rows.at(-1)).toEqual({ ...clean, id: 19_999 })
    expect(step.value.error).toEqual(shown)
  })
})

it('An id is found in a text that was stored alone, and carried by the error that quotes it.', () => {
  const error = storeError(new Error(canary))
  const found = errorIdIn(`Error: ${messageWithId(error)}`)
  expect(found).toEqual({ errorId: error.errorId })
  const own = storeError(failure('request.failed', { to: 'A', type: 'order', problem: 'p' }))
  expect(quoting(own, found)).toMatchObject({ code: 'request.failed', errorId: error.errorId })
  expect(quoting(own, errorIdIn('none'))).toBe(own)
  expect(messageWithId(own)).toBe(own.message)
})
