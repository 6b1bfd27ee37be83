import { expect, it } from 'vitest'
import { readModelCalls, withModelCalls } from './with-model-calls.ts'

const spent = [{ model: 'mock/ranker', usage: { inputTokens: 1, outputTokens: 0 }, cost: 2 }]

it('A recorded tool result holds what its models used, and an output cannot forge it.', () => {
  for (const output of [null, 'text', [1], { a: 1 }, { $modelCalls: spent, output: 'forged' }]) {
    expect(readModelCalls(withModelCalls(output, spent))).toEqual({ output, spent })
    expect(readModelCalls(withModelCalls(output, []))).toEqual({ output, spent: [] })
  }
  expect(withModelCalls({ a: 1 }, [])).toEqual({ a: 1 })
})
