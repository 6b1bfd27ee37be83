import { expect, it } from 'vitest'
import { createEvents, createVirtualClock, seededRandom } from '../core/index.ts'
import { MockModel } from '../testing/index.ts'
import { createModels } from './create-models.ts'
import type { ModelCall } from './models-port.ts'

const call: ModelCall = { user: 'u', prompt: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }] }

it('A new number of attempts keeps the limits of model calls, and new limits keep the number of attempts.', async () => {
  const clock = createVirtualClock()
  const limits = { mock: { concurrent: 1, queue: 0 } }
  const models = createModels({ clock, random: seededRandom(1), events: createEvents(() => {}), limits })
  models.configure?.({ attempts: 1 })
  const slow = new MockModel({ responses: [{ text: 'yes', latency: '1s' }, 'no'], clock })
  const first = models.call([slow], call)
  await expect(models.call([slow], call)).rejects.toMatchObject({ code: 'model.busy' })
  await clock.advance('1s')
  await first
  models.configure?.({ limits: {} })
  const unavailable = Object.assign(new Error('unavailable'), { statusCode: 503 })
  const failing = new MockModel({ responses: [{ error: unavailable }, 'late'], clock })
  await expect(models.call([failing], call)).rejects.toMatchObject({ code: 'model.failed', details: { attempts: 1 } })
  const wrong = { limits: { mock: { concurrent: 1 } }, attempts: 0 }
  expect(() => models.configure?.(wrong)).toThrow(expect.objectContaining({ code: 'validation.failed' }))
})
