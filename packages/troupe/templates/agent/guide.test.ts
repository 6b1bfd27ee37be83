import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTroupe } from 'troupe'
import config, { guide } from './troupe.config.ts'

test('The agent of the template explains what a lane is.', async () => {
  await using troupe = await createTroupe({ ...config, storage: 'memory:' })
  assert.match(await troupe.user('test').session(guide).chat('What is a lane?'), /A lane holds the messages/)
})
