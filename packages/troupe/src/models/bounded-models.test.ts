import type { LanguageModelV4 } from '@ai-sdk/provider'
import { expect, it } from 'vitest'
import { createEvents, seededRandom, systemClock } from '../core/index.ts'
import { MockModel } from '../testing/index.ts'
import { createModels } from './create-models.ts'
import type { ModelCall } from './models-port.ts'

it('A bound of tokens that the service of a model object has rejected is not sent to it again.', async () => {
  const asked: (number | undefined)[] = []
  const answers = new MockModel({ responses: [{ text: 'ok', match: () => true }] })
  const model: LanguageModelV4 = {
    specificationVersion: 'v4',
    provider: 'mock',
    modelId: 'bounded',
    supportedUrls: {},
    async doGenerate(options) {
      asked.push(options.maxOutputTokens)
      if ((options.maxOutputTokens ?? 0) > 20_000)
        throw Object.assign(new Error('max_tokens is too large'), { statusCode: 400 })
      return answers.doGenerate(options)
    },
    doStream: (options) => answers.doStream(options),
  }
  const models = createModels({ clock: systemClock, random: seededRandom(1), events: createEvents(() => {}) })
  const call = (tokensLeft: number): ModelCall => ({
    user: 'u',
    tokensLeft,
    prompt: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
  })
  for (const tokensLeft of [100_000, 90_000, 18_000]) await models.call([model], call(tokensLeft))
  expect(asked).toEqual([100_000, undefined, undefined, 18_000])
})
