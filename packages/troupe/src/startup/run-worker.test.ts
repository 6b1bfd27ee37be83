import { expect, it } from 'vitest'
import { Worker } from '../messaging/index.ts'
import { partsOf } from './troupe.ts'
import { troupesOfTests } from './troupe-testbed.test.fixture.ts'

const { opened } = troupesOfTests()

it('A worker of an erased user leaves nothing behind in the process.', async () => {
  const troupe = await opened()
  await troupe.user('ada').start(new Worker('Stock'))
  await troupe.user('bob').start(new Worker('Stock'))
  await troupe.forget('ada')
  const { workers, cleanups } = troupe[partsOf].work
  expect([...workers.values()]).toEqual(['bob'])
  expect(cleanups.size).toBe(1)
})
