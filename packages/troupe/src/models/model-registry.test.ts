import { expect, it } from 'vitest'
import { createEvents, seededRandom, systemClock } from '../core/index.ts'
import { createModels } from './create-models.ts'

it('A registry of models has no names but its own, also not those that every object has.', async () => {
  const events = createEvents(() => {})
  const registry = { fast: 'openai/gpt-5-mini' }
  const models = createModels({ clock: systemClock, random: seededRandom(1), events, registry })
  for (const name of ['constructor', 'toString', '__proto__']) {
    const asked = models.call([name], { user: 'u', prompt: [] })
    await expect(asked).rejects.toMatchObject({ code: 'model.unknown', details: { model: name, known: 'fast' } })
    expect(models.nameOf(name)).toBe(name)
    expect(models.contextWindowOf?.(`${name}/x`)).toBe(128_000)
  }
})
