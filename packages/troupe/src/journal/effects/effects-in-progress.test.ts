import { expect, it } from 'vitest'
import { lineageOf, Stage } from '../turns/stages.ts'
import { EffectsInProgress } from './effects-in-progress.ts'

it('A commit waits for the effects of its own stage, and not for those around it or of a running neighbour.', () => {
  const root = new Stage('')
  const [one, other] = ['one', 'other'].map((name) => new Stage(name, root)) as [Stage, Stage]
  const effects = new EffectsInProgress()
  const [ofRoot, ofOne, ofOther] = [root, one, other].map((stage) => effects.begin(stage))
  const around = new Set<Stage>()
  lineageOf(one, around)
  const before = effects.before(one, around)
  expect(before).toEqual([ofOne, ofOther])
  expect(effects.areOver(before, around)).toBe(false)
  if (ofOne) effects.end(ofOne)
  expect(effects.areOver(before, around)).toBe(true)
  other.running = false
  expect(effects.areOver(before, around)).toBe(false)
  for (const token of [ofRoot, ofOther]) if (token) effects.end(token)
  expect([effects.areOver(before, around), effects.size]).toEqual([true, 0])
})
