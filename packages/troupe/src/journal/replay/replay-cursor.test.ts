import { describe, expect, it } from 'vitest'
import { createItem } from '../steps/execution.ts'
import type { CallId } from './call-id.ts'
import { ReplayCursor } from './replay-cursor.ts'
import type { AnswerItem } from './step-record.ts'

const items = (...ids: readonly CallId[]): AnswerItem[] => ids.map((id) => createItem('answer', id, { value: id }))

/** Gives and begins all that is due, and returns what happened in its order. */
function drain(cursor: ReplayCursor, begin: (id: CallId) => void = () => {}): string[] {
  const seen: string[] = []
  for (let step = cursor.next(); step !== 'nothing'; step = cursor.next())
    if ('give' in step) {
      seen.push(step.give.id)
      cursor.give(step.give)
    } else
      for (const id of step.begin) {
        seen.push(`begin ${id}`)
        begin(id)
      }
  return seen
}

describe('The cursor of a replay', () => {
  it('The cursor of a replay gives answers in the order of the record, in whatever order the code asks.', async () => {
    const cursor = new ReplayCursor(items('a', 'b', 'c'), new Map())
    const answers = ['c', 'a', 'b'].map((id) => cursor.ask(id))
    expect(cursor.due).toBe(true)
    expect(drain(cursor)).toEqual(['a', 'b', 'c'])
    expect(await Promise.all(answers)).toEqual(['c', 'a', 'b'])
    expect([cursor.usedUp, cursor.busy, cursor.due]).toEqual([true, false, false])
  })

  it('The cursor of a replay gives nothing before the code asks for the next answer, and names it as missing.', () => {
    const cursor = new ReplayCursor(items('a', 'b'), new Map())
    expect(cursor.missing).toBe(undefined)
    void cursor.ask('b')
    expect([cursor.due, cursor.missing, drain(cursor)]).toEqual([false, 'a', []])
    void cursor.ask('a')
    expect([cursor.due, cursor.missing, drain(cursor)]).toEqual([true, undefined, ['a', 'b']])
  })

  it('The cursor of a replay starts an unrecorded call when the record is used up.', () => {
    const cursor = new ReplayCursor(items('a'), new Map())
    expect(cursor.whenInOrder('new')).toBe('later')
    void cursor.ask('a')
    expect(drain(cursor)).toEqual(['a', 'begin new'])
    expect(cursor.whenInOrder('next')).toBe('now')
  })

  it('The cursor of a replay places the answer of a repeated call where the call was first made, before the rest of the record.', () => {
    const cursor = new ReplayCursor(items('a', 'b'), new Map([['again', 1]]))
    for (const id of ['again', 'a', 'b']) void cursor.ask(id)
    expect(cursor.whenInOrder('again')).toBe('later')
    const begun = () => expect(cursor.next()).toBe('nothing')
    expect(drain(cursor, begun)).toEqual(['a', 'begin again'])
    expect(cursor.push(items('again')[0] as AnswerItem)).toBe(1)
    expect(drain(cursor)).toEqual(['again', 'b'])
  })

  it('The cursor of a replay passes an answer that was given at once, and waits for one that is not durable yet.', () => {
    const now = createItem('now', 'clock', { value: 1 })
    const [late, after] = items('late', 'after') as [AnswerItem, AnswerItem]
    late.ready = false
    const cursor = new ReplayCursor([now], new Map())
    for (const item of [late, after]) cursor.push(item)
    for (const id of ['late', 'after']) void cursor.ask(id)
    now.consumed = true
    expect([cursor.due, drain(cursor)]).toEqual([true, []])
    expect(cursor.due).toBe(false)
    late.ready = true
    expect(drain(cursor)).toEqual(['late', 'after'])
  })

  it('The cursor of a replay does not count a passive call as work.', () => {
    const cursor = new ReplayCursor([], new Map())
    void cursor.ask('wait', true)
    expect(cursor.busy).toBe(false)
    cursor.setPassive('wait', false)
    expect(cursor.busy).toBe(true)
  })

  it('The cursor of a replay rejects open calls with the reason of a cancel, and places nothing after its end.', async () => {
    const cursor = new ReplayCursor(items('a', 'b'), new Map([['again', 0]]))
    const open = cursor.ask('b')
    cursor.end()
    cursor.reject('cancelled')
    await expect(open).rejects.toBe('cancelled')
    expect(cursor.push(items('again')[0] as AnswerItem)).toBe(undefined)
    expect([cursor.due, cursor.asked('b'), cursor.find('a')]).toEqual([false, false, undefined])
  })
})
