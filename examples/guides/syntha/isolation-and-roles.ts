/** Each customer's context apart, and each agent with no more rights than it needs. */
import { createTroupe, type Troupe } from 'troupe'

const roles = { viewer: 'readonly', contributor: 'contributor', admin: 'admin' } as const

/** A type that is not known gets the fewest rights. */
export const createAgent = (troupe: Troupe, userId: string, type: string, name: string) =>
  troupe.user(userId).agent(name, { role: Object.hasOwn(roles, type) ? roles[type as keyof typeof roles] : 'readonly' })

export async function main() {
  await using troupe = await createTroupe({
    storage: 'memory:',
    requireUserId: true,
    roles: { auditor: { tools: ['get_context', 'list_context'] } },
  })
  const sales = createAgent(troupe, 'ada', 'contributor', 'Sales')
  await sales.context.push('deal', 'closed')

  const viewer = createAgent(troupe, 'ada', 'intern', 'Viewer')
  const write = await viewer.tools.call('push_context', { key: 'deal', value: 'lost' })
  const foreign = createAgent(troupe, 'grace', 'admin', 'Sales')
  const auditor = troupe.user('ada').agent('Auditor', { role: 'auditor' })
  // Allowed is the whole list within the role, denied wins, and a change holds from the next call on.
  const narrow = troupe.user('ada').agent('Narrow', { allow: ['get_context', 'push_context'], deny: ['push_context'] })
  return {
    read: await viewer.context.get('deal'),
    write: write.code,
    otherUser: await foreign.context.get('deal'),
    auditor: auditor.tools.accessSummary().available,
    narrow: narrow.tools.accessSummary().available,
  }
}

if (import.meta.main) console.log(await main())
