/** How agents are tested: on a real store in memory, with a clock that is told to move. */
import { createTroupe } from 'troupe'
import { createVirtualClock } from 'troupe/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { UserProfileAgent } from './single-responsibility.ts'

const clock = createVirtualClock()
let troupe: Awaited<ReturnType<typeof createTroupe>>
beforeEach(async () => {
  troupe = await createTroupe({ storage: 'memory:', clock, log: 'silent' })
})
afterEach(() => troupe.close())

describe('the profile agent', () => {
  it('The sample of a profile agent test reads a profile by its key alone.', async () => {
    const agent = troupe.user('ada').agent('UserProfileAgent')
    await agent.context.push('profiles.12345', { name: 'John Doe', email: 'john@example.com' })
    const get = vi.spyOn(agent.context, 'get')
    expect(await new UserProfileAgent(agent).getProfile('12345')).toMatchObject({ name: 'John Doe' })
    expect(get).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ key: 'profiles.12345' }))
  })

  it('The sample of a profile agent test finds no missing profile, and rejects its update.', async () => {
    const profiles = new UserProfileAgent(troupe.user('ada').agent('UserProfileAgent'))
    expect(await profiles.getProfile('nobody')).toBe(undefined)
    await expect(profiles.updateProfile('nobody', { name: 'x' })).rejects.toThrow('no profile')
  })

  it('The sample of a profile agent test makes the context fail.', async () => {
    const agent = troupe.user('ada').agent('UserProfileAgent')
    vi.spyOn(agent.context, 'get').mockRejectedValue(new Error('out of order'))
    await expect(new UserProfileAgent(agent).getProfile('12345')).rejects.toThrow('out of order')
  })
})

it('The sample of a clock test advances time explicitly.', async () => {
  await troupe.metrics.trackExecution('slow', () => clock.advance('1500ms'))
  expect(troupe.metrics.summary('slow')).toMatchObject({ count: 1, average: 1_500 })
})

it('The sample of a two-agent test shares data and sends a message about it.', async () => {
  const ada = troupe.user('ada')
  const [one, two] = [ada.agent('Agent1'), ada.agent('Agent2')]
  await one.tools.call('push_context', { key: 'test_data', value: '{"message":"Hello from Agent1"}' })
  await one.tools.call('send_message_to_agent', { to_agent: 'Agent2', message: 'Check test_data' })
  const { messages } = await two.tools.call('get_messages_from_agents', { unread_only: true })
  expect(messages).toMatchObject([{ from: 'Agent1', message: 'Check test_data' }])
  expect(await two.tools.call('get_messages_from_agents', { unread_only: true })).toMatchObject({ count: 0 })
  expect(await two.tools.call('get_context', { key: 'test_data' })).toMatchObject({
    value: { message: 'Hello from Agent1' },
  })
})
