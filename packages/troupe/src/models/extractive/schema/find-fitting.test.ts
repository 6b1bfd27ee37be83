import type { JSONSchema7 } from '@ai-sdk/provider'
import { afterAll, describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../../core/index.ts'
import { BoundedEvaluator } from '../../../security/index.ts'
import { user } from '../extractive-model.test.fixture.ts'
import { extractiveModel } from '../extractive-model.ts'
import { fittingBy } from './find-fitting.ts'

const clock = createVirtualClock()
const evaluator = new BoundedEvaluator({ clock }, { deadlineMs: 1_000 })
afterAll(() => evaluator.close())

describe('The patterns of a schema', () => {
  const findFitting = fittingBy(evaluator)

  it('The pattern of a schema finds the first text that it fits, as JSON Schema defines it.', async () => {
    const words = Array.from({ length: 1_000 }, (_, i) => `word${i}`)
    expect(await findFitting('^[A-Z]{2}\\d+$', ['ab12', ...words, 'AB12', 'CD34'])).toBe('AB12')
    expect(await findFitting('^[A-Z]{2}\\d+$', words)).toBe(undefined)
    expect(await findFitting('^\\p{L}+$', ['1', 'Grüße'])).toBe('Grüße')
    for (const [at, word] of words.entries())
      if (at % 97 === 0) expect(await findFitting(`^${word}$`, words)).toBe(word)
  })

  it('The pattern of a schema fits nothing if it is invalid, or if there is no evaluator.', async () => {
    expect(await findFitting('(', ['a'])).toBe(undefined)
    expect(await findFitting('a', [])).toBe(undefined)
    expect(await fittingBy(undefined)('a', ['a'])).toBe(undefined)
  })

  it.each(['tool', 'answer'])(
    'The pattern of a schema of the %s does not hold the main thread, and ends at the deadline.',
    async (kind) => {
      const schema: JSONSchema7 = {
        type: 'object',
        properties: { code: { type: 'string', pattern: '^(a+)+$' } },
        required: ['code'],
      }
      const inputSchema: JSONSchema7 = { type: 'object', properties: { answer: schema } }
      const prompt = [user(`${'a'.repeat(40)}!`)]
      const model = extractiveModel(evaluator)
      await model.doGenerate({ prompt })
      await clock.advance('60s')
      let ticks = 0
      const timer = setInterval(() => ticks++, 10)
      const started = performance.now()
      const { finishReason } = await model.doGenerate(
        kind === 'answer'
          ? { prompt, responseFormat: { type: 'json', schema } }
          : {
              prompt,
              tools: [{ type: 'function', name: 'finish', inputSchema }],
              toolChoice: { type: 'required' },
            },
      )
      clearInterval(timer)
      expect(finishReason.unified).toBe('other')
      expect(performance.now() - started).toBeGreaterThanOrEqual(990)
      // On the main thread the pattern would let no timer run.
      expect(ticks).toBeGreaterThan(5)
    },
  )
})
