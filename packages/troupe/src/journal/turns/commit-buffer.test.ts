import { describe, expect, it } from 'vitest'
import { type ClaimRequest, CommitBuffer, type TurnPart } from './commit-buffer.ts'

const fragment = { statements: [] }

function claimOf(text: string) {
  const seen: string[] = []
  const note = (what: string) => () => void seen.push(what)
  const claim: ClaimRequest = {
    text,
    fragment,
    started: note('started'),
    rejected: note('rejected'),
    dropped: note('dropped'),
  }
  return { claim, seen }
}
const turnOf = (more: Partial<TurnPart> = {}): TurnPart => ({
  prepare: async () => ({ texts: ['turn'], fragments: [] }),
  closes: false,
  reportCommitted: async () => {},
  committed: () => {},
  ...more,
})

describe('The buffer of what a step commits next', () => {
  it('The commit buffer gives out an entry once, and nothing if it is empty.', () => {
    const buffer = new CommitBuffer()
    buffer.add('a', fragment)
    buffer.want()
    expect([buffer.isDirty, buffer.isBusy]).toEqual([true, true])
    expect(buffer.cut(undefined)).toMatchObject({ entries: ['a'], fragments: [fragment] })
    expect([buffer.isDirty, buffer.isBusy, buffer.cut(undefined)]).toEqual([false, false, undefined])
  })

  it('The commit buffer retains claims while only a part of the turn is cut, and wants the rest.', () => {
    const buffer = new CommitBuffer()
    buffer.claim(claimOf('claim').claim)
    expect(buffer.cut(turnOf({ isPart: true }))?.claims).toEqual([])
    expect(buffer.isWanted).toBe(true)
    expect(buffer.cut(turnOf())?.claims).toHaveLength(1)
    expect(buffer.isWanted).toBe(false)
  })

  it('The commit buffer takes back a rejected part before later entries, without its claims and its turn.', () => {
    const buffer = new CommitBuffer()
    const { claim, seen } = claimOf('claim')
    buffer.add('first')
    buffer.claim(claim)
    const part = buffer.cut(turnOf())
    buffer.add('second')
    if (part) buffer.requeue(part, [fragment])
    expect(buffer.cutRecord(['turn.failed'])).toMatchObject({
      entries: ['first', 'second'],
      remarks: ['turn.failed'],
      claims: [],
      fragments: [fragment],
      turn: undefined,
    })
    expect(seen).toEqual(['dropped'])
  })

  it('The commit buffer retains answers, rows and cleared effects with the part that makes them durable.', () => {
    const buffer = new CommitBuffer()
    const item = { id: 'a' } as never
    buffer.answerWhenDurable(item)
    buffer.addRows([1, 2], fragment)
    buffer.clear('effect', 'not-happened')
    expect(buffer.cut(undefined)).toMatchObject({
      answers: [item],
      rows: [1, 2],
      cleared: ['effect'],
      entries: ['not-happened'],
    })
  })

  it('The commit buffer cuts no record if it is empty and has no remarks.', () => {
    expect(new CommitBuffer().cutRecord([])).toBe(undefined)
  })
})
