import { expect, it } from 'vitest'
import { createTroupe } from '../../index.ts'

/** Replaces the global as jsdom and happy-dom do, while a troupe opens. */
async function openedWith(name: 'AbortController' | 'EventTarget', replacement: unknown): Promise<unknown> {
  const own = globalThis[name]
  Object.assign(globalThis, { [name]: replacement })
  const opening = createTroupe({ storage: 'memory:', log: 'silent' })
  Object.assign(globalThis, { [name]: own })
  return opening.then((troupe) => troupe.close())
}

it('A troupe that opens in a simulated browser says which environment its test needs.', async () => {
  const browser = { AbortController: class {}, EventTarget: class {} }
  for (const [name, replacement] of Object.entries(browser))
    await expect(openedWith(name as keyof typeof browser, replacement)).rejects.toMatchObject({
      code: 'runtime.globals',
      message: `The global ${name} of this process is not the one of Node.`,
      hint: expect.stringContaining('@vitest-environment node'),
    })
  await (await createTroupe({ storage: 'memory:', log: 'silent' })).close()
})
