import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createVirtualClock } from '../../../core/index.ts'
import { createTroupe, defineAgent } from '../../../index.ts'
import { partsOf } from '../../../startup/troupe.ts'

it.each(['memory:', 'sqlite:'])(
  'A run that waits is released on %s, and continues once its answer arrives or times out.',
  async (engine) => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-idle-'))
    const storage = engine === 'memory:' ? engine : `sqlite:${join(folder, 'troupe.db')}`
    const clock = createVirtualClock()
    let executions = 0
    const ask = (name: string, more: object) =>
      defineAgent({
        name,
        run: async (_, ctx) => {
          executions++
          return await ctx.ask({ text: 'Continue?', ...more })
        },
      })
    const registered = ask('Asker', {})
    const unregistered = ask('Other', { timeout: '1h', default: 'late' })
    const troupe = await createTroupe({ storage, clock, log: 'silent', agents: [registered] } as never)
    try {
      const { orchestra } = troupe.user('ada')
      const { store } = troupe[partsOf].runs.orchestra.parts.stores
      const holder = async (id: string) => (await store.holderOf('ada', id))?.holder ?? 'none'
      await orchestra.start({ id: 'answered', agent: 'Asker', task: 'x' })
      await orchestra.start({ id: 'late', agent: unregistered, task: 'x' })
      const { questions } = await (await orchestra.get('answered')).result()
      await (await orchestra.get('late')).result()
      expect([await holder('answered'), await holder('late')]).toEqual(['here', 'here'])
      const idle = async () => {
        await clock.advance('2s')
        for (const id of ['answered', 'late']) await expect.poll(() => holder(id)).toBe('none')
      }
      await idle()
      expect(executions).toBe(2)
      await (await orchestra.get('answered')).answer(questions[0]?.id ?? '', 'yes')
      expect(await (await orchestra.get('answered')).result()).toMatchObject({ status: 'completed', response: 'yes' })
      expect(executions).toBe(3)
      await clock.advance('1h')
      const late = await orchestra.get('late')
      await expect.poll(async () => (await late.result()).status).toBe('completed')
      expect((await late.result()).response).toBe('late')
    } finally {
      await troupe.close()
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
