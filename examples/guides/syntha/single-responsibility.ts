/** One agent, one responsibility: profiles and nothing else, under keys that know what a profile is. */
import { type AgentHandle, createTroupe, defineKey } from 'troupe'
import { z } from 'zod'

const Profile = defineKey('profiles.{id}', z.object({ name: z.string(), email: z.email() }))

export class UserProfileAgent {
  readonly #agent: AgentHandle

  constructor(agent: AgentHandle) {
    this.#agent = agent
  }

  getProfile(id: string) {
    return this.#agent.context.get(Profile({ id }))
  }

  createProfile(id: string, profile: { name: string; email: string }) {
    return this.#agent.context.push(Profile({ id }), profile, { ifVersion: 0 })
  }

  /** Two updates at once both arrive: each is made again on what the other left. */
  updateProfile(id: string, updates: { name?: string; email?: string }) {
    return this.#agent.context.update(Profile({ id }), (profile) => {
      if (!profile) throw new Error(`There is no profile ${id}.`)
      return { ...profile, ...updates }
    })
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const profiles = new UserProfileAgent(troupe.user('ada').agent('UserProfileAgent'))
  await profiles.createProfile('12345', { name: 'John', email: 'john@example.com' })
  await Promise.all([
    profiles.updateProfile('12345', { name: 'John Doe' }),
    profiles.updateProfile('12345', { email: 'doe@example.com' }),
  ])
  const rejected = await profiles.updateProfile('12345', { email: 'nowhere' }).catch((error: Error) => error.name)
  return { profile: await profiles.getProfile('12345'), missing: await profiles.getProfile('67890'), rejected }
}

if (import.meta.main) console.log(await main())
