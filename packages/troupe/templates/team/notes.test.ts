import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTroupe } from 'troupe'
import config from './troupe.config.ts'

test('The team answers from the notes.', async () => {
  await using troupe = await createTroupe({ ...config, storage: 'memory:' })
  const { status, response, error } = await troupe
    .user('test')
    .orchestra.run({ team: 'notes', task: 'What did we decide about the press?' })
  assert.equal(status, 'completed', error?.message)
  assert.match(String(response), /invite the press only after the trial/)
})
