import { expect, it } from 'vitest'
import { answersOf } from './answers-of.ts'

it('The answers of a step to calls of one kind leave out other calls whose name looks like that kind.', () => {
  const body = [
    { t: 'answer', id: '/policy:pay#1', v: 'allowed' },
    { t: 'answer', id: 'tool/policy:a/policy:b#2', v: 'denied' },
    { t: 'answer', id: '/get:docs/policy:travel#1', v: 'an entry' },
  ]
  expect(answersOf([{ seq: 1, at: 0, body }], 'policy')).toEqual([
    { name: 'pay', value: 'allowed' },
    { name: 'a/policy:b', value: 'denied' },
  ])
})
