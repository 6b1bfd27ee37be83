import { expect, it } from 'vitest'
import { troupesOfTests } from '../troupe-testbed.test.fixture.ts'

const { opened } = troupesOfTests()

it('An observer gets no secret in an event, at any depth, and the numbers of the event as they are.', async () => {
  const digits = '123456'
  const troupe = await opened({ secrets: [{ get: (name) => ({ value: name === 'PIN' ? digits : 'planted-secret' }) }] })
  for (const name of ['PIN', 'TOKEN']) await troupe.secrets.get(name)
  const events: unknown[] = []
  troupe.on('span.ended', ({ name, attributes }) => events.push({ name, attributes }))
  const attributes = { note: ['planted-secret', { pin: digits }], size: 1_234_567 }
  await troupe.user('ada').traces.span('import', async () => {}, { attributes })
  await troupe.user('ada').traces.span('import of planted-secret', async () => {}, { attributes: { size: 1_234_567 } })
  expect(events).toEqual([
    { name: 'import', attributes: { note: ['[redacted]', { pin: '[redacted]' }], size: 1_234_567 } },
    { name: 'import of [redacted]', attributes: { size: 1_234_567 } },
  ])
})
